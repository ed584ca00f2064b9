"""Plots beside a failed check, drawn from the figures that it evaluated."""

from dataclasses import replace

import pandas as pd

from assets.lifecycle.report.plots import reliability_plot, totals_plot
from checks.verdict import Verdict


def with_reliability(verdict: Verdict, bins: pd.DataFrame, *, title: str) -> Verdict:
    """Add a reliability plot to a failed ``verdict`` when there are ``bins``.

    Args:
        verdict: Of a check of calibration.
        bins: Rows of ``ml.calibration_bins`` of one version, split and date; those of all rows are drawn.
        title: Above the plot.
    """
    whole = bins.loc[bins["slice_name"] == "all"]
    if verdict.passed or whole.empty:
        return verdict
    return replace(verdict, plots={"reliability": reliability_plot(whole, title=title)})


def with_totals(verdict: Verdict, totals: pd.DataFrame, *, title: str) -> Verdict:
    """Add a plot of the totals of each as-of date to a failed ``verdict`` when there are ``totals``.

    Args:
        verdict: Of a check of totals.
        totals: Rows of ``ml.prediction_totals`` of one model, oldest first.
        title: Above the plot.
    """
    if verdict.passed or totals.empty:
        return verdict
    return replace(verdict, plots={"totals": totals_plot(totals, title=title)})
