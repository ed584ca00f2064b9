"""Quality grades: one word for the reliability of a version, by a published rule."""

from dataclasses import dataclass
from typing import Literal

Name = Literal["Do-not-use", "Poor", "Fair", "Good", "Excellent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """A grade, its lower bounds, and its meaning to a marketer.

    ``auc`` and ``skill`` (``log_loss_skill``) are lower bounds, both to be reached on the test fold; without
    them there are none.
    """

    name: Name
    auc: float = 0.0
    skill: float = float("-inf")
    meaning: str


# Best first. AUC measures discrimination, skill the reduction of log loss: with rare outcomes a high AUC
# may come with hardly more certain probabilities.
GRADES = (
    Grade(
        name="Excellent",
        auc=0.85,
        skill=0.20,
        meaning="Ranks customers and sizes audiences reliably: base budgets on it.",
    ),
    Grade(
        name="Good", auc=0.75, skill=0.10, meaning="Ranks customers well: use it for audiences and totals."
    ),
    Grade(
        name="Fair",
        auc=0.65,
        skill=0.03,
        meaning="Better than recency alone: use deciles, not single customers.",
    ),
    Grade(name="Poor", auc=0.50, skill=0.00, meaning="Little better than guessing: use it for totals only."),
)
DO_NOT_USE = Grade(
    name="Do-not-use",
    meaning="Does not beat a rate by recency, or its probabilities are wrong: do not act on it.",
)
FALLBACK = Grade(
    name="Poor",
    meaning="No model passed the gate: each score is the rate among customers with an equally recent order.",
)

GRADE_MEANINGS: dict[str, str] = {each.name: each.meaning for each in (*GRADES, DO_NOT_USE)}
