"""Plots of recorded facts, as PNG bytes, for the UI."""

import base64
from io import BytesIO

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

SIZE_INCHES = (4.6, 4.2)
DOTS_PER_INCH = 110


def reliability_plot(bins: pd.DataFrame, *, title: str) -> bytes:
    """Mean predicted probability against observed rate, per tenth of the customers, with 95 % intervals.

    Args:
        bins: Rows of ``ml.calibration_bins`` of one version and slice.
        title: Above the plot.

    Returns:
        A PNG. Points on the diagonal are probabilities that add up.
    """
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    predicted, observed = bins["mean_predicted"].to_numpy(float), bins["mean_observed"].to_numpy(float)
    reach = np.abs(bins[["ci_lo", "ci_hi"]].to_numpy(float).T - observed)
    top = 1.05 * float(max(predicted.max(), bins["ci_hi"].max())) if len(bins) else 1.0
    axes.plot([0, top], [0, top], color="0.7", linewidth=1, label="perfect")
    axes.errorbar(
        predicted, observed, yerr=reach, fmt="o", color="tab:blue", capsize=3, label="a tenth of the rows"
    )
    axes.set(xlabel="predicted probability", ylabel="share that happened", title=title)
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    axes.legend(loc="upper left", frameon=False)
    return png(figure)


def draw_totals(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw predicted totals with their intervals, and observed ones.

    Args:
        axes: Where.
        rows: as_of_date, expected_positives with ``_lo`` and ``_hi``, and observed_positives.
    """
    days, predicted = pd.to_datetime(rows["as_of_date"]), rows["expected_positives"].to_numpy(float)
    reach = np.abs(rows[["expected_positives_lo", "expected_positives_hi"]].to_numpy(float).T - predicted)
    axes.errorbar(
        days, predicted, yerr=reach, fmt="o", color="tab:blue", capsize=3, label="predicted, 95 % interval"
    )
    axes.plot(
        days, rows["observed_positives"].to_numpy(float), "x", color="tab:red", markersize=8, label="observed"
    )
    axes.set_ylim(bottom=0)


def totals_plot(totals: pd.DataFrame, *, title: str) -> bytes:
    """Predicted total with its interval against the realised one, per as-of date.

    Args:
        totals: Rows of ``ml.prediction_totals`` of one model, oldest first.
        title: Above the plot.
    """
    figure = Figure(figsize=(2 * SIZE_INCHES[0], SIZE_INCHES[1]), layout="constrained")
    axes = figure.subplots()
    draw_totals(axes, totals)
    axes.set(title=title, ylabel="customers")
    axes.legend(loc="upper left", frameon=False)
    figure.autofmt_xdate()
    return png(figure)


def as_markdown(png: bytes, *, text: str) -> str:
    """An image that a Markdown view shows without asking any server."""
    return f"![{text}](data:image/png;base64,{base64.b64encode(png).decode()})"


def png(figure: Figure) -> bytes:
    """The figure as PNG."""
    file = BytesIO()
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH)
    return file.getvalue()
