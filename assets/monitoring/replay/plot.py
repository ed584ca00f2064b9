"""A walk through history as one picture: what was said and happened, how well it ranked, what was decided."""

from io import BytesIO

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from assets.features.matrix import AS_OF

SIZE_INCHES = (11, 6.4)
DOTS_PER_INCH = 110
CHANCE = 0.5
BAND_DAYS = 3.0


def walk_plot(rows: pd.DataFrame) -> bytes:
    """Totals above and AUC below, over the same mornings.

    Args:
        rows: What ``replayed`` gives, oldest first; a morning that said nothing leaves a gap.

    Returns:
        A PNG. Dotted lines are promotions, grey bands mornings whose scores were withheld, triangles drift.
    """
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    totals, ranks = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    _totals(totals, rows)
    _ranks(ranks, rows)
    for axes in (totals, ranks):
        _decisions(axes, rows)
        axes.grid(axis="y", color="0.92")
        axes.spines[["top", "right"]].set_visible(False)
    totals.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, frameon=False)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH)
    return file.getvalue()


def _totals(axes: Axes, rows: pd.DataFrame) -> None:
    days, said = pd.to_datetime(rows[AS_OF]), rows["sum_probability"].to_numpy(float)
    reach = np.abs(rows[["total_lo", "total_hi"]].to_numpy(float).T - said)
    axes.errorbar(days, said, yerr=reach, fmt="o", color="tab:blue", capsize=3, label="said, 95 % interval")
    axes.plot(days, rows["realised"].to_numpy(float), "x", color="tab:red", markersize=8, label="happened")
    axes.set_ylabel("customers with the outcome")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter("{x:,.0f}")


def _ranks(axes: Axes, rows: pd.DataFrame) -> None:
    axes.plot(pd.to_datetime(rows[AS_OF]), rows["auc"].to_numpy(float), "o-", color="tab:blue")
    axes.axhline(CHANCE, color="0.6", linewidth=1)
    axes.set_ylabel("AUC (0.5 is chance)")
    axes.set_ylim(min(CHANCE, rows["auc"].min()) - 0.02 if rows["auc"].notna().any() else 0.48, 1)
    axes.tick_params(axis="x", rotation=30)


def _decisions(axes: Axes, rows: pd.DataFrame) -> None:
    days = pd.Series(date2num(pd.to_datetime(rows[AS_OF])))
    promoted = rows["decisions"].fillna("").str.contains("promote").to_numpy(bool)
    for place, day in enumerate(days[promoted]):
        axes.axvline(float(day), color="0.4", linestyle=":", label="promotion" if place == 0 else None)
    for place, day in enumerate(days[(rows["status"] == "withheld").to_numpy(bool)]):
        span = float(day) - BAND_DAYS, float(day) + BAND_DAYS
        axes.axvspan(*span, color="0.85", label="withheld" if place == 0 else None)
    drifted = days[rows["drifted"].notna().to_numpy(bool)]
    if len(drifted):
        foot = np.full(len(drifted), axes.get_ylim()[0])
        axes.plot(drifted, foot, "^", color="tab:orange", clip_on=False, label="drift")
