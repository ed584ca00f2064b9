"""Faults that tests inject, with the check that detects each and the as-of date: a table of the docs."""

from dataclasses import dataclass
from typing import Literal

# No check fails and none has to: the fault changes no number.
HARMLESS: Literal["none needed"] = "none needed"
UNDETECTED: Literal["not detected"] = "not detected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One injected fault.

    Attributes:
        name: The fault; the test that injects it uses this name.
        check: Name of the first check that fails, ``HARMLESS`` or ``UNDETECTED``.
        as_of_dates: Weekly as-of dates from the first one whose data contain the fault to the one on which it
            is detected, 0 for the same; ``None`` when it is not.
        message: Part of the check's message; of an undetected fault, the reason.
        consequence: Effect on the scores.
    """

    name: str
    check: str
    as_of_dates: int | None = 0
    message: str
    consequence: str


STAYS = "the champion keeps serving"
STOPS = "the run stops; the scores published before stay served"
RETRAINS = "scores are published with a warning; retraining is triggered"
WARNS = "scores are published with a warning"
WITHHELD = "new scores are withheld; the scores published before stay served"
GATE, DRIFT = "candidate_passes_the_gate", "features_have_not_drifted"
REALISED, COUNTS = "realised_calibration_is_within_tolerance", "row_volume_is_normal"

_DELIVERED = (
    Fault(
        name="the export of orders stops",
        check="sources_are_fresh",
        message="7 days of silence, 4 allowed",
        consequence=STOPS,
    ),
    Fault(
        name="three days of orders are lost in the middle of a week",
        check=COUNTS,
        message="3 days without rows",
        consequence=WARNS,
    ),
    Fault(name="bots multiply one day by 50", check=COUNTS, message="its busiest day", consequence=WARNS),
    Fault(
        name="each line of a week is in its file twice", check=COUNTS, message="too many", consequence=WARNS
    ),
    Fault(
        name="one line of an order is in its file twice",
        check=UNDETECTED,
        as_of_dates=None,
        message="two equal lines can be two lines of the order",
        consequence="the line counts twice",
    ),
    Fault(
        name="a file is delivered twice",
        check=HARMLESS,
        as_of_dates=None,
        message="was delivered again by",
        consequence="each order counts once; the rejects say which file came first",
    ),
    Fault(
        name="orders are known before they were placed, because two clocks disagree by an hour",
        check="few_rows_are_rejected",
        message="25.0% of the rows are missing",
        consequence="each line is rejected with both times; without the week's orders the run stops",
    ),
    Fault(
        name="three test orders of 999,999 pieces",
        check=HARMLESS,
        as_of_dates=None,
        message="1,000 times what all rows but one in 1,000 stay within",
        consequence="the lines are rejected with file, line, value and bound",
    ),
    Fault(
        name="one order of 2099",
        check=HARMLESS,
        as_of_dates=None,
        message="more than 366 days after",
        consequence="the line is rejected with file, line, date and bound",
    ),
    Fault(
        name="the shop bills in another currency from some day on",
        check="few_rows_are_rejected",
        message="exchange_rates in the YAML has no rate of it",
        consequence="the lines are rejected, because no rate converts them; without them the run stops",
    ),
    Fault(
        name="one business customer buys more than all others together",
        check="nothing_has_an_outsized_share",
        message="of the spend",
        consequence=WARNS,
    ),
    Fault(
        name="a third of the lines names the customer NULL",
        check="guest_ids_are_declared",
        message="'null'",
        consequence="the lines are of guests, not of one customer; scores are published with a warning",
    ),
    Fault(
        name="one price in ten is below 0",
        check=HARMLESS,
        as_of_dates=None,
        message="a price below 0 is a discount",
        consequence="the line lowers the amount of its order and is no product of it",
    ),
    Fault(
        name="a month is missing in the history",
        check="order_history_has_no_gap",
        message="no order from 2023-11-01 to 2023-11-30, 30 days",
        consequence=WARNS,
    ),
    Fault(
        name="the shop was closed for three months and is open again",
        check="order_history_has_no_gap",
        message="no order from 2024-03-01 to 2024-06-02, 94 days",
        consequence=WARNS,
    ),
    Fault(
        name="orders fall by 60 % for five weeks",
        check="order_history_has_no_break",
        message="against the 8 weeks before, each compared with last year",
        consequence=WARNS,
    ),
    Fault(
        name="orders fell by 60 % for five weeks a year ago",
        check="order_history_has_no_break",
        message="against the 8 weeks before and after",
        consequence=WARNS,
    ),
    Fault(
        name="half of the customers got new ids eight weeks ago",
        check="order_history_has_no_break",
        message="ids may have been exchanged",
        consequence="one customer is two; scores are published with a warning",
    ),
    Fault(
        name="ids of customers who were silent for long are given to others",
        check="order_history_has_no_break",
        message="ids may have been given to other people",
        consequence="two customers are one; scores are published with a warning",
    ),
    Fault(
        name="all dates of an export are a day late",
        check=UNDETECTED,
        as_of_dates=None,
        message="each day has the number of orders that the day before should have",
        consequence="features lack one day",
    ),
    Fault(
        name="all clocks of an export are an hour late",
        check=UNDETECTED,
        as_of_dates=None,
        message="occurred_at and known_at move together, and few orders across midnight",
        consequence="few features differ, by a day or an order",
    ),
)
_LEARNED = (
    Fault(
        name="a feature row is duplicated", check="keys_are_unique", message="Got 1 result", consequence=STOPS
    ),
    Fault(
        name="a feature uses facts of its own as-of date",
        check="nothing_known_after_as_of",
        message="Got 1 result",
        consequence=STOPS,
    ),
    Fault(
        name="a feature copies the outcome",
        check=GATE,
        message="feature 'noise' alone separates the outcome with AUC 1.000",
        consequence=STAYS,
    ),
    Fault(
        name="a model predicts the same probability for every customer",
        check=GATE,
        message="does not beat the baseline",
        consequence=STAYS,
    ),
    Fault(
        name="a model outputs the probability of the predicted class",
        check=GATE,
        message="probability of the predicted class",
        consequence=STAYS,
    ),
    Fault(
        name="scoring takes the wrong class before the prior shift is applied",
        check=GATE,
        message="calibration slope",
        consequence=STAYS,
    ),
    Fault(
        name="a model learned from swapped labels",
        check=GATE,
        message="label is probably swapped",
        consequence=STAYS,
    ),
    Fault(
        name="one label in 10 of the newest weeks is flipped",
        check=GATE,
        message="scores are overconfident",
        consequence=STAYS,
    ),
)
_CHANGED = (
    Fault(
        name="an amount is in pence: 100 times as large",
        check=DRIFT,
        as_of_dates=1,
        message="average_order_amount_365d",
        consequence=RETRAINS,
    ),
    Fault(
        name="an amount is in pence for one customer in 20",
        check=DRIFT,
        as_of_dates=1,
        message="average_order_amount_365d",
        consequence=RETRAINS,
    ),
    Fault(
        name="an amount is in pence on one as-of date only",
        check=UNDETECTED,
        as_of_dates=None,
        message="an alarm needs two of three as-of dates; the table `drift` has the column as `watch`",
        consequence="the scores of that date are off",
    ),
    Fault(
        name="a column is lost",
        check=DRIFT,
        as_of_dates=1,
        message="average_order_amount_365d",
        consequence=RETRAINS,
    ),
    Fault(
        name="two categories are swapped, of 10 and 90 %",
        check=DRIFT,
        as_of_dates=1,
        message="country",
        consequence=RETRAINS,
    ),
    Fault(
        name="two categories of the same size are swapped",
        check=UNDETECTED,
        as_of_dates=None,
        message="the shares stay the same; only outcomes can show it",
        consequence="scores of both are off until their outcomes have matured",
    ),
    Fault(
        name="a category of 10 % gets another name",
        check=DRIFT,
        as_of_dates=1,
        message="country",
        consequence=RETRAINS,
    ),
    Fault(
        name="the customers are different: they bought four times as recently",
        check=DRIFT,
        as_of_dates=1,
        message="days_since_order",
        consequence=RETRAINS,
    ),
)
_PUBLISHED = (
    Fault(
        name="a customer is scored twice",
        check="scores_match_contract",
        message="multiple_fields_uniqueness",
        consequence=STOPS,
    ),
    Fault(
        name="a customer is not scored",
        check="cohort_is_scored_once",
        message="1,999 of 2,000 customers",
        consequence=STOPS,
    ),
    Fault(
        name="the table holds the probability of the predicted class",
        check="mean_probability_is_within_forecast_of_rate",
        message="matured dates let expect",
        consequence=STOPS,
    ),
    Fault(
        name="one country's probabilities are a third of what they should be",
        check="no_slice_is_withheld",
        as_of_dates=5,
        message="country = other is off by",
        consequence="the rows of that country are withheld; all others are scored",
    ),
    Fault(
        name="one published outcome in 10 is flipped",
        check=REALISED,
        as_of_dates=6,
        message="scores are overconfident",
        consequence=WITHHELD,
    ),
    Fault(
        name="one published outcome in 20 is flipped",
        check=UNDETECTED,
        as_of_dates=None,
        message="the calibration slope falls to 0.8, which the season of a slope can do in one window",
        consequence="metrics look slightly worse than they are",
    ),
    Fault(
        name="one published outcome in 50 is flipped",
        check=UNDETECTED,
        as_of_dates=None,
        message="the calibration slope falls to 0.9, which the season of a slope can do in one window",
        consequence="metrics look slightly worse than they are",
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
        is_check = fault.check not in (HARMLESS, UNDETECTED)
        check = f"`{fault.check}`" if is_check else fault.check
        as_of_dates = "" if fault.as_of_dates is None else fault.as_of_dates
        message = f"because {fault.message}" if fault.check == UNDETECTED else f"… {fault.message} …"
        lines.append(f"| {fault.name} | {check} | {as_of_dates} | {message} | {fault.consequence} |")
    return "\n".join(lines)
