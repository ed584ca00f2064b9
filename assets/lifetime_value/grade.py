"""One word for how far a version's amounts can be trusted, by a published rule."""

import pandas as pd

from assets.lifecycle.gate import Decision
from assets.lifecycle.report.grade import DO_NOT_USE, GRADES, Grade
from assets.lifecycle.store.metric_lookup import overall

# Of each grade the least normalised Gini coefficient and the least share of the naive deviance saved.
BOUNDS = {"Excellent": (0.75, 0.3), "Good": (0.6, 0.15), "Fair": (0.4, 0.05), "Poor": (0.0, 0.0)}
FALLBACK = Grade(
    name="Poor",
    auc=0.0,
    skill=float("-inf"),
    meaning="No recipe passed the gate: this is the average spend per day, times the days ahead.",
)


def grade(metrics: pd.DataFrame, decision: Decision) -> Grade:
    """The best grade whose bounds the judged window reaches.

    Do-not-use when totals disagree or the formula is not surely beaten. ``metrics`` are the rows of
    ``ml.metrics`` of the version.
    """
    if decision.faults or decision.against_naive is None or not decision.against_naive.hi < 0:
        return DO_NOT_USE
    ranked, skill = overall(metrics, "gini").value, skill_of(metrics)
    return next(
        (each for each in GRADES if ranked >= BOUNDS[each.name][0] and skill >= BOUNDS[each.name][1]),
        DO_NOT_USE,
    )


def skill_of(metrics: pd.DataFrame) -> float:
    """The share of the naive rival's deviance that is saved; 1 is perfect, 0 no better."""
    return 1 - overall(metrics, "deviance").value / overall(metrics, "naive_deviance").value
