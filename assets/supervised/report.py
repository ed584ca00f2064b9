"""Sections of the model card and UI metadata of a supervised capability."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from assets.keys import PREDICTION_TOTALS
from assets.lifecycle.report.model_card import markdown_table
from assets.lifecycle.report.plots import reliability_plot, totals_plot
from assets.lifecycle.store.metric_lookup import has, overall, recorded
from assets.ports import Warehouse
from assets.supervised.evaluation.evaluation import BASELINE
from assets.supervised.fitting.rankers import BG_NBD, BLEND, LOGISTIC
from assets.supervised.problem import PredictionProblem

COMPARED = {
    "auc": "AUC (higher is better)",
    "average_precision": "average precision (higher)",
    "log_loss": "log loss (lower)",
    "recalibrated_log_loss": "log loss after recalibration (lower)",
    "brier": "Brier score (lower)",
}

# Competitors on the same rows; the one that is the version itself has no rows of its own.
OTHERS = {
    BASELINE: "baseline: recency",
    BG_NBD: "baseline: BG/NBD",
    LOGISTIC: "baseline: logistic",
    BLEND: "blend",
}


def card_sections(
    problem: PredictionProblem, registry: Mapping[str, Any], *, metrics: pd.DataFrame, bins: pd.DataFrame
) -> Mapping[str, str]:
    """Sections of the model card, by their titles.

    Args:
        problem: The prediction problem.
        registry: The version's row of ``ml.model_registry``.
        metrics: Rows of ``ml.metrics`` of the test fold; empty when nothing could be evaluated.
        bins: Rows of ``ml.calibration_bins`` of the test fold.
    """
    evaluated: Mapping[str, str] = {}
    if len(metrics):
        evaluated = {
            "Evaluation": _evaluation(problem, metrics),
            "Calibration": _calibration(registry, metrics, bins),
            "Slices": _slices(metrics),
        }
    return {
        "Label": _label(problem),
        **evaluated,
        "Feature groups": markdown_table(
            ("group", "measures", "columns"),
            [(each.name, each.description, ", ".join(each.columns)) for each in problem.reason_groups],
        ),
        "Limits": _limits(problem),
    }


def describe_scores(
    problem: PredictionProblem, warehouse: Warehouse, rows: pd.DataFrame
) -> Mapping[str, Any]:
    """UI metadata of a scored date.

    Args:
        problem: The prediction problem.
        warehouse: Holds the totals of all scored dates.
        rows: The date's score rows.
    """
    totals = warehouse.read(
        f"select * from {PREDICTION_TOTALS.sql} where model_name = $name order by as_of_date",
        {"name": problem.name},
    )
    scored = totals.loc[pd.to_datetime(totals["as_of_date"]) == pd.Timestamp(rows["as_of_date"].iloc[0])]
    png = totals_plot(totals, title=f"{problem.target} within {problem.horizon_days} days")
    return {
        "n_scored": int(scored["n_scored"].iloc[0]),
        **{
            name: float(scored[name].iloc[0])
            for name in ("expected_positives", "expected_positives_lo", "expected_positives_hi")
        },
        "totals": png,
    }


def describe_evaluation(
    problem: PredictionProblem, metrics: pd.DataFrame, bins: pd.DataFrame
) -> Mapping[str, Any]:
    """UI metadata of an evaluation: its reliability plot.

    Args:
        problem: The prediction problem.
        metrics: Rows of ``ml.metrics`` of the version.
        bins: Rows of ``ml.calibration_bins`` of the version.
    """
    del metrics
    whole = bins.loc[bins["slice_name"] == "all"]
    if whole.empty:
        return {}
    return {"reliability": reliability_plot(whole, title=f"{problem.name}, newest matured dates")}


def _label(problem: PredictionProblem) -> str:
    lines = [
        f"A row is one {problem.entity} on one as-of date; the outcome is {problem.target} within "
        f"{problem.horizon_days} days (`{problem.label.schema}.{problem.label.name}`). Dates whose outcome "
        "window reaches into the next fold are left out.",
        *(
            f"Ineligible: rows with an `ineligible_reason` in `{each.table.schema}.{each.table.name}`."
            for each in problem.exclusions
        ),
    ]
    return "\n\n".join(lines)


def _evaluation(problem: PredictionProblem, metrics: pd.DataFrame) -> str:
    others = {name: words for name, words in OTHERS.items() if has(metrics, f"{name}_auc")}
    rows = [
        (
            label,
            overall(metrics, metric),
            *(overall(metrics, f"{name}_{metric}") for name in others),
            overall(metrics, f"{metric}_difference"),
        )
        for metric, label in COMPARED.items()
        if has(metrics, metric)
    ]
    header = ("metric", "this version", *others.values(), "difference to recency")
    return (
        f"On the newest dates, which it has not seen. 95 % intervals resample {problem.entity}s.\n\n"
        f"{markdown_table(header, rows)}"
    )


def _calibration(registry: Mapping[str, Any], metrics: pd.DataFrame, bins: pd.DataFrame) -> str:
    facts = {
        name: overall(metrics, name)
        for name in ("mean_predicted", "mean_observed", "calibration_shift", "calibration_slope")
    }
    rows = [
        (
            each["bin"],
            each["n"],
            f"{each['mean_predicted']:.3f}",
            f"{each['mean_observed']:.3f}",
            f"{each['ci_lo']:.3f} to {each['ci_hi']:.3f}",
        )
        for each in bins.loc[bins["slice_name"] == "all"].sort_values("bin").to_dict("records")
    ]
    table = markdown_table(("bin", "rows", "mean predicted", "observed rate", "95 % interval"), rows)
    return (
        f"Mean predicted {facts['mean_predicted']}, observed rate {facts['mean_observed']}; shift "
        f"{facts['calibration_shift']} log-odds (0 is right), slope "
        f"{facts['calibration_slope']} (1 is right). "
        f"Method: {registry['calibration_method']}.\n\n{table}"
    )


def _slices(metrics: pd.DataFrame) -> str:
    gaps = {row.where: row.interval for row in recorded(metrics, "relative_shift")}
    rows = [
        (row.where, row.n, row.n_positive, row.interval, gaps[row.where])
        for row in recorded(metrics, "auc")
        if row.slice_name != "all"
    ]
    header = ("slice", "rows", "positives", "AUC", "gap beyond the overall shift, log-odds")
    return markdown_table(header, rows)


def _limits(problem: PredictionProblem) -> str:
    entity, least = problem.entity, problem.minimum_data
    return "\n".join(
        (
            f"* The intervals treat {entity}s as independent: a season or a closure that moves the "
            "whole cohort is not in them. It is in the interval of the total "
            "(`published.prediction_totals`).",
            f"* A reason code explains the score, not what would change the {entity}'s behaviour.",
            f"* A slice with fewer than {problem.criteria.smallest_slice_cases} rows of its rarer outcome is "
            "reported, not evaluated.",
            f"* Below {least.customers} {entity}s or {least.positives} rows of either outcome only a "
            "logistic regression is fitted, "
            f"below {least.linear_customers} or {least.linear_positives} none.",
        )
    )
