"""The model card: what a version is and how far to trust it, from recorded facts alone."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from jinja2 import Environment, StrictUndefined

from assets.lifecycle.gate import COMPARED_BY, Decision
from assets.lifecycle.report.grade import Grade
from assets.lifecycle.store.metric_lookup import has, overall, recorded
from assets.supervised.evaluation.evaluation import Evaluation
from assets.supervised.problem import PredictionProblem

TEMPLATE = Path(__file__).with_name("model_card.md.j2")
COMPARED = {
    "auc": "AUC (higher is better)",
    "average_precision": "average precision (higher)",
    "log_loss": "log loss (lower)",
    COMPARED_BY: "log loss after the level step (lower)",
    "brier": "Brier score (lower)",
}
STATED = ("mean_predicted", "actual_rate", "calibration_shift", "calibration_slope")


def card(
    problem: PredictionProblem,
    registry: pd.DataFrame,
    *,
    evaluation: Evaluation | None,
    decision: Decision,
    grade: Grade,
) -> str:
    """The card as Markdown.

    Args:
        problem: What was asked.
        registry: The version's one row of ``ml.model_registry``.
        evaluation: Its judgement on the test fold, ``None`` when nothing could be judged.
        decision: What became of it.
        grade: Its grade.
    """
    # Markdown, not HTML: escaping would print entities. StrictUndefined: a card with a hole is an error.
    environment = Environment(autoescape=False, undefined=StrictUndefined)  # noqa: S701
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    facts = {name: None if pd.isna(value) else value for name, value in registry.iloc[0].items()}
    return template.render(
        problem=problem, registry=facts, decision=decision, grade=grade, **_judgement(evaluation)
    )


def _judgement(evaluation: Evaluation | None) -> Mapping[str, object]:
    if evaluation is None:
        return {"metrics": [], "facts": {}, "bins": [], "slices": []}
    metrics, bins = evaluation.metrics, evaluation.bins
    return {
        "metrics": [_compared(metrics, metric) for metric in COMPARED if has(metrics, metric)],
        "facts": {name: str(overall(metrics, name)) for name in STATED},
        "bins": bins.loc[bins["slice_name"] == "all"].sort_values("bin").to_dict("records"),
        "slices": _slices(metrics),
    }


def _compared(metrics: pd.DataFrame, metric: str) -> tuple[str, str, str, str]:
    own, naive = overall(metrics, metric), overall(metrics, f"naive_{metric}")
    return COMPARED[metric], str(own), str(naive), str(overall(metrics, f"{metric}_difference"))


def _slices(metrics: pd.DataFrame) -> list[Mapping[str, object]]:
    gaps = {row.where: row.interval for row in recorded(metrics, "relative_shift")}
    return [
        {
            "where": row.where,
            "n": row.n,
            "n_positive": row.n_positive,
            "auc": row.interval,
            "gap": gaps[row.where],
        }
        for row in recorded(metrics, "auc")
        if row.slice_name != "all"
    ]
