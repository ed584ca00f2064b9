"""The injected faults, the check that detects each, and after how many as-of dates: a table of the docs."""

from dataclasses import dataclass
from typing import Literal

# No check fails and none has to: the fault does not reach a number.
HARMLESS: Literal["none needed"] = "none needed"
UNSEEN: Literal["not detected"] = "not detected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        name: What goes wrong; also the name in the test that injects it.
        check: Name of the first check that fails, ``HARMLESS`` or ``UNSEEN``.
        mornings: Weekly as-of dates from the first one whose data contain the fault to the one on which it is
            detected, 0 for the same; ``None`` if it is not.
        words: Part of the check's message; for a fault that is not detected, the reason.
        then: Consequence for the scores.
    """

    name: str
    check: str
    mornings: int | None = 0
    words: str
    then: str


STAYS = "the champion keeps serving"
STOPS = "the run stops; the scores published before stay served"
WARNS = "scores are published with a warning; retraining is triggered"
TOLD = "scores are published with a warning"
WITHHELD = "new scores are withheld; the scores published before stay served"
GATE, DRIFT = "candidate_passes_the_gate", "features_have_not_drifted"
REALISED, COUNTS = "realised_calibration_is_within_tolerance", "row_volume_is_normal"

_DELIVERED = (
    Fault(
        name="the export of orders stops",
        check="sources_are_fresh",
        words="7 days of silence, 4 allowed",
        then=STOPS,
    ),
    Fault(
        name="three days of orders are lost in the middle of a week",
        check=COUNTS,
        words="3 days without rows",
        then=TOLD,
    ),
    Fault(name="bots multiply one day by 50", check=COUNTS, words="its busiest day", then=TOLD),
    Fault(name="each line of a week is in its file twice", check=COUNTS, words="too many", then=TOLD),
    Fault(
        name="one line of an order is in its file twice",
        check=UNSEEN,
        mornings=None,
        words="two equal lines can be two lines of the order",
        then="the line counts twice",
    ),
    Fault(
        name="a file is delivered twice",
        check=HARMLESS,
        mornings=None,
        words="was delivered again by",
        then="each order counts once; the rejects say which file came first",
    ),
    Fault(
        name="orders are known before they were placed, because two clocks disagree by an hour",
        check="sources_are_fresh",
        words="7 days of silence",
        then="each line is rejected with both times; without the week's orders the run stops",
    ),
    Fault(
        name="all dates of an export are a day late",
        check=UNSEEN,
        mornings=None,
        words="each day has the number of orders that the day before should have",
        then="features lack one day",
    ),
    Fault(
        name="all clocks of an export are an hour late",
        check=UNSEEN,
        mornings=None,
        words="occurred_at and known_at move together, and few orders across midnight",
        then="few features differ, by a day or an order",
    ),
)
_LEARNED = (
    Fault(name="a feature row is duplicated", check="keys_are_unique", words="Got 1 result", then=STOPS),
    Fault(
        name="a feature uses facts of its own as-of date",
        check="nothing_known_after_as_of",
        words="Got 1 result",
        then=STOPS,
    ),
    Fault(
        name="a feature copies the outcome",
        check=GATE,
        words="feature 'noise' alone separates the outcome with AUC 1.000",
        then=STAYS,
    ),
    Fault(
        name="a model predicts the same probability for every customer",
        check=GATE,
        words="does not beat the naive rival",
        then=STAYS,
    ),
    Fault(
        name="a model outputs the probability of the predicted class",
        check=GATE,
        words="probability of the predicted class",
        then=STAYS,
    ),
    Fault(
        name="scoring takes the wrong class before the prior shift is applied",
        check=GATE,
        words="calibration slope",
        then=STAYS,
    ),
    Fault(
        name="a model learned from swapped labels", check=GATE, words="label is probably swapped", then=STAYS
    ),
    Fault(
        name="one label in 10 of the newest weeks is flipped",
        check=GATE,
        words="scores are overconfident",
        then=STAYS,
    ),
)
_CHANGED = (
    Fault(
        name="an amount is in pence: 100 times as large",
        check=DRIFT,
        mornings=1,
        words="average_order_amount_365d",
        then=WARNS,
    ),
    Fault(
        name="an amount is in pence for one customer in 20",
        check=DRIFT,
        mornings=1,
        words="average_order_amount_365d",
        then=WARNS,
    ),
    Fault(
        name="an amount is in pence on one as-of date only",
        check=UNSEEN,
        mornings=None,
        words="an alarm needs two of three as-of dates; the table `drift` has the column as `watch`",
        then="the scores of that date are off",
    ),
    Fault(name="a column is lost", check=DRIFT, mornings=1, words="average_order_amount_365d", then=WARNS),
    Fault(
        name="two categories are swapped, of 10 and 90 %",
        check=DRIFT,
        mornings=1,
        words="country",
        then=WARNS,
    ),
    Fault(
        name="two categories of the same size are swapped",
        check=UNSEEN,
        mornings=None,
        words="the shares stay the same; only outcomes can show it",
        then="scores of both are off until their outcomes have matured",
    ),
    Fault(name="a category of 10 % gets another name", check=DRIFT, mornings=1, words="country", then=WARNS),
    Fault(
        name="the customers are different: they bought four times as recently",
        check=DRIFT,
        mornings=1,
        words="days_since_order",
        then=WARNS,
    ),
)
_PUBLISHED = (
    Fault(
        name="a customer is scored twice",
        check="scores_match_contract",
        words="multiple_fields_uniqueness",
        then=STOPS,
    ),
    Fault(
        name="a customer is not scored",
        check="cohort_is_scored_once",
        words="1,999 of 2,000 customers",
        then=STOPS,
    ),
    Fault(
        name="the table holds the probability of the predicted class",
        check="mean_probability_is_within_historical_range",
        words="matured days allow",
        then=STOPS,
    ),
    Fault(
        name="one country's probabilities are a third of what they should be",
        check=REALISED,
        mornings=5,
        words="country = other is off by",
        then=WITHHELD,
    ),
    Fault(
        name="one published outcome in 10 is flipped",
        check=REALISED,
        mornings=6,
        words="scores are overconfident",
        then=WITHHELD,
    ),
    Fault(
        name="one published outcome in 20 is flipped",
        check=UNSEEN,
        mornings=None,
        words="the calibration slope falls to 0.8 and its bound is 0.75",
        then="metrics look slightly worse than they are",
    ),
    Fault(
        name="one published outcome in 50 is flipped",
        check=UNSEEN,
        mornings=None,
        words="the calibration slope falls to 0.9 and its bound is 0.75",
        then="metrics look slightly worse than they are",
    ),
)
FAULTS = {fault.name: fault for fault in (*_DELIVERED, *_LEARNED, *_CHANGED, *_PUBLISHED)}


def table() -> str:
    """All faults in Markdown."""
    lines = [
        "| injected fault | check | as-of dates until detected | message | consequence |",
        "|---|---|--:|---|---|",
    ]
    for fault in FAULTS.values():
        is_check = fault.check not in (HARMLESS, UNSEEN)
        check = f"`{fault.check}`" if is_check else fault.check
        mornings = "" if fault.mornings is None else fault.mornings
        says = f"because {fault.words}" if fault.check == UNSEEN else f"… {fault.words} …"
        lines.append(f"| {fault.name} | {check} | {mornings} | {says} | {fault.then} |")
    return "\n".join(lines)
