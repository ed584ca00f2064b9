"""The model card of a version: what it is and how far to trust its amounts, from recorded facts alone."""

from pathlib import Path

import pandas as pd
from jinja2 import Environment, StrictUndefined

from assets.lifecycle.gate import Decision
from assets.lifecycle.report.grade import GRADE_MEANINGS
from assets.lifecycle.store.metric_lookup import has, overall
from assets.lifetime_value.backtest import BASELINE
from assets.lifetime_value.models.candidates import RECIPES
from assets.lifetime_value.problem import ValueProblem

TEMPLATE = Path(__file__).with_name("card.md.j2")
MEASURES = {
    "deviance": "Poisson deviance per unit of money (lower is better)",
    "wape": "WAPE (lower)",
    "gini": "Gini coefficient (higher)",
    "total_ratio": "predicted over realised total (1 is right)",
}


def card(
    problem: ValueProblem,
    registry: pd.Series,
    *,
    decision: Decision,
    metrics: pd.DataFrame,
    bins: pd.DataFrame,
) -> str:
    """The card as Markdown.

    Args:
        problem: What was asked.
        registry: The version's row of ``ml.model_registry``.
        decision: What became of it.
        metrics: Its rows of ``ml.metrics`` on the judged window.
        bins: Its rows of ``ml.calibration_bins``.
    """
    # Markdown, not HTML: escaping would print entities. StrictUndefined: a card with a hole is an error.
    environment = Environment(autoescape=False, undefined=StrictUndefined)  # noqa: S701
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    rivals = ["", *(f"{rival}_" for rival in (BASELINE, *RECIPES) if has(metrics, f"{rival}_wape"))]
    return template.render(
        problem=problem,
        registry={name: None if pd.isna(value) else value for name, value in registry.items()},
        decision=decision,
        meaning=GRADE_MEANINGS[registry["quality_grade"]],
        rivals=[rival.removesuffix("_") or "this version" for rival in rivals],
        measures=[
            (words, [str(overall(metrics, f"{rival}{name}")) for rival in rivals])
            for name, words in MEASURES.items()
        ],
        coverage=str(overall(metrics, "coverage")),
        period_sd=overall(metrics, "period_sd").value,
        groups=bins.sort_values(["slice_name", "slice_value", "bin"]).to_dict("records"),
    )
