"""What to do next when a check of a dbt model fails: one sentence per check, shown beside its result."""

from collections.abc import Mapping
from types import MappingProxyType

# Under this name the metadata of a failed check hold the sentence, whoever judged.
NEXT_STEP = "next_step"
_TYPED_WRONG = (
    "Nothing was published: the code wrote a value that its column does not allow; look it up in the "
    "warehouse by the query in dbt's log, mend what writes it and launch the job again."
)
NEXT_STEPS: Mapping[str, str] = MappingProxyType(
    {
        "keys_are_unique": (
            "Find the repeated keys in the named table; if two deliveries hold the same row, take one "
            "away, else the model joins wrong: mend it and launch the job again."
        ),
        "required_columns_are_filled": (
            "Look at the named column in the export that feeds it; if the export is whole, the model "
            "loses it: mend that and launch the job again."
        ),
        "nothing_known_after_as_of": (
            "A feature knows its future and must not be learned from: join its facts through the macro "
            "known_as_of and launch the job again."
        ),
        "rates_lie_between_0_and_1": (
            "Divide by the whole in the model that makes the named rate; it may be percent, or a count of "
            "something else."
        ),
        "days_and_counts_are_not_negative": (
            "Look for orders dated after their morning in the export, and for a window that ends late in "
            "the model."
        ),
        "every_customer_has_an_order": (
            "The spine holds customers without a purchase: mend the model that makes it and launch the "
            "job again."
        ),
        "counts_are_not_negative": "Look for days whose returns were counted as orders in the named model.",
        "outcomes_are_yes_or_no": (
            "Mend the label model: an outcome is 1 when it happened in the window, else 0."
        ),
        "arms_are_treated_or_control": (
            "Map the export's own words for the two arms to treated and control in the YAML's columns and "
            "launch refresh."
        ),
        **dict.fromkeys(
            (
                "probabilities_lie_between_0_and_1",
                "percentiles_lie_between_1_and_100",
                "deciles_lie_between_1_and_10",
                "scores_lie_between_0_and_100",
                "amounts_are_not_negative",
                "only_the_eligible_have_a_probability",
                "only_the_ineligible_have_a_reason",
                "no_data_without_consent",
                "sends_add_up",
                "rates_are_shares",
                "rfm_scores_are_between_1_and_5",
                "rfm_segment_is_one_of_nine",
                "scheme_is_rfm_or_behaviour",
                "margins_lie_between_0_and_1",
                "shares_lie_between_0_and_1",
                "segment_columns_are_complete",
                "missing_segment_has_a_reason",
                "status_is_one_of_four",
                "status_is_passed_failed_or_not_run",
                "verdict_is_one_of_three",
                "split_is_one_of_six",
                "stage_is_one_of_four",
                "grade_is_one_of_five",
                "decision_is_one_of_five",
            ),
            _TYPED_WRONG,
        ),
    }
)


def next_step_of(check: str) -> str:
    """Next step when the dbt test called ``check`` fails.

    Raises:
        KeyError: when the test has no sentence in ``NEXT_STEPS``.
    """
    if check not in NEXT_STEPS:
        raise KeyError(f"dbt test {check!r} has no next step: add a sentence to {__name__}.NEXT_STEPS")
    return NEXT_STEPS[check]
