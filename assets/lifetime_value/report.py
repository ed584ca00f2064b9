"""Sections of the model card and numbers for the UI, from recorded rows alone."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from assets.lifecycle.report.model_card import markdown_table
from assets.lifecycle.store.metric_lookup import overall
from assets.lifetime_value.backtest import BASELINE
from assets.lifetime_value.group_totals import TENTHS, TOTAL
from assets.lifetime_value.models.candidates import AMOUNT_MODELS
from assets.lifetime_value.spec import HORIZON, ValueProblem

MEASURES = {
    "deviance": "Poisson deviance per unit of money (lower is better)",
    "wape": "WAPE (lower)",
    "gini": "Gini coefficient (higher)",
    "total_ratio": "predicted over observed total (1 is right)",
}
GROUP_COLUMNS = (
    "group",
    "customers",
    "predicted, mean",
    "observed, mean",
    "95 % interval, customers and period",
)
LIMITS = """\
* In BG/NBD customers leave after a repeat order only: of those with one order `prob_alive` is unknown.
* Season and trend are in the predictions once a year is known. Until then nothing is applied: the first peak
  and the months after it are missed.
* Orders are days with a purchase; the next order's dates assume that the customer is still one."""
TOTALS = ["predicted_value", "predicted_orders", "baseline_value"]


def card_sections(
    problem: ValueProblem, registry: Mapping[str, Any], metrics: pd.DataFrame, bins: pd.DataFrame
) -> Mapping[str, str]:
    """Amounts, performance, totals by group and limits, in Markdown by title.

    Args:
        problem: The declaration.
        registry: The version's row of ``ml.model_registry``.
        metrics: Its rows of ``ml.metrics`` of the backtest (n, k).
        bins: Its rows of ``ml.calibration_bins`` (n, k).
    """
    basis = f"{problem.value_basis}, in shop currency. Positive training rows have a repeat order."
    if metrics.empty:
        return {"Amounts": basis, "Limits": LIMITS}
    return {
        "Amounts": basis,
        "Performance": _performance(problem, registry, metrics),
        "Totals by group": markdown_table(GROUP_COLUMNS, _groups(bins)),
        "Limits": LIMITS,
    }


def score_summary(rows: pd.DataFrame) -> Mapping[str, Any]:
    """Totals by horizon, and how many customers are high value, of ``rows`` (n, k) of one date."""
    # The baseline has no orders, and so no total of them, not a total of 0.
    totals = rows.groupby(HORIZON)[TOTALS].sum(min_count=1)
    return {
        "totals": totals.reset_index(),
        "high_value_customers": int(rows.groupby(HORIZON)["is_high_value"].sum().max()),
    }


def _performance(problem: ValueProblem, registry: Mapping[str, Any], metrics: pd.DataFrame) -> str:
    # Of the leading window: another one may have candidates that could not be fitted here.
    known = set(metrics.loc[metrics["slice_name"] == "all", "metric"])
    prefixes = ["", *(f"{name}_" for name in (BASELINE, *AMOUNT_MODELS) if f"{name}_wape" in known)]
    rows = [
        (text, *(str(overall(metrics, f"{prefix}{name}")) for prefix in prefixes))
        for name, text in MEASURES.items()
    ]
    names = [prefix.removesuffix("_") or "this version" for prefix in prefixes]
    table = markdown_table(("measure", *names), rows)
    period = overall(metrics, "period_sd").value
    return (
        "Fitted on what was known at the start of the newest window that had ended, and compared with the "
        "days that\nfollowed. Intervals are 95 %, by resampling customers.\n\n"
        f"{table}\n\n"
        f"Intervals of {problem.interval_coverage:.0%} held for {overall(metrics, 'coverage')} of the "
        f"customers. A whole window misses by a\nfactor of e^{period:.2f} (one standard deviation), as "
        f"earlier windows did.\n\n{_horizons(json.loads(str(registry['params'])))}"
    )


def _horizons(params: Mapping[str, Any]) -> str:
    rows = [
        (days, each["status"], each["quality_grade"], each["reason"])
        for days, each in params.get("horizons", {}).items()
    ]
    return markdown_table(("horizon, days", "status", "grade", "backtest"), rows)


def _groups(bins: pd.DataFrame) -> list[tuple[object, ...]]:
    return [
        (
            {TENTHS: f"tenth {row['bin']}", TOTAL: "all"}.get(str(row["slice_name"]), row["slice_value"]),
            row["n"],
            f"{row['mean_predicted']:.2f}",
            f"{row['mean_observed']:.2f}",
            f"{row['ci_lo']:.2f} to {row['ci_hi']:.2f}",
        )
        for row in bins.sort_values(["slice_name", "slice_value", "bin"]).to_dict("records")
    ]
