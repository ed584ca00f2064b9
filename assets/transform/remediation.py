"""Next step after a failed dbt test: one sentence per test, shown with its result."""

from collections.abc import Mapping

# Metadata key of the sentence, for checks in dbt and in Python.
NEXT_STEP = "next_step"
_TYPED_WRONG = (
    "Nothing was published: the code wrote a value that its column does not allow. Find it in the "
    "warehouse by the query in dbt's log, correct the code that writes it and launch the job again."
)
NEXT_STEPS: Mapping[str, str] = {
    "keys_are_unique": (
        "Find the repeated keys in the named table; if two deliveries hold the same row, remove one, "
        "else correct the join in the model; then launch the job again."
    ),
    "required_columns_are_filled": (
        "Look at the named column in the export that feeds it; if the export is complete, the model "
        "loses the values: correct it and launch the job again."
    ),
    "nothing_known_after_as_of": (
        "A feature uses facts from after its as-of date, so nothing may be trained on it: join its facts "
        "through the macro known_as_of and launch the job again."
    ),
    "rates_lie_between_0_and_1": (
        "Correct the denominator in the model of the named rate; the rate may be in percent, or divide "
        "by the count of something else."
    ),
    "days_and_counts_are_not_negative": (
        "Look for orders in the export that are dated after their as-of date, and for a window in the "
        "model that ends late."
    ),
    "every_customer_has_an_order": (
        "The spine holds customers without a purchase: correct its model and launch the job again."
    ),
    "counts_are_not_negative": "Look for days whose returns were counted as orders in the named model.",
    "outcomes_are_yes_or_no": (
        "Correct the label model: an outcome is 1 if the event happened in the window, else 0."
    ),
    "arms_are_treated_or_control": (
        "Map the export's words for the two arms to treated and control in the columns of the YAML and "
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
            "no_prediction_without_consent",
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
            "decision_is_one_of_six",
        ),
        _TYPED_WRONG,
    ),
}


def next_step_of(check: str) -> str:
    """Next step when the dbt test called ``check`` fails.

    Raises:
        KeyError: when the test has no sentence in ``NEXT_STEPS``.
    """
    if check not in NEXT_STEPS:
        raise KeyError(f"dbt test {check!r} has no next step: add a sentence to {__name__}.NEXT_STEPS")
    return NEXT_STEPS[check]
