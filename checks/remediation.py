"""Next step after a failed check, for declarations without their own: one sentence per check."""

import re
from collections.abc import Mapping
from types import MappingProxyType

# ``<problem>`` stands for the name of a prediction problem.
NEXT_STEPS: Mapping[str, str] = MappingProxyType(
    {
        "training_rows_of_<problem>_match_contract": (
            "Look up the named column in its features model: either the data changed its meaning, or the "
            "model computes it wrong; correct it and launch score."
        ),
        "realised_calibration_is_within_tolerance": (
            "Launch retrain for the newest as-of date, or roll back to the previous champion; until then the "
            "rows published before are served."
        ),
        "features_have_not_drifted": (
            "Open the page in a browser and find the named columns; repair the source if it is faulty, "
            "launch retrain if the customers have changed."
        ),
        "candidate_passes_the_gate": (
            "Nothing, if the candidate only failed to beat the champion, which keeps serving; if the reason "
            "names a defect (leak, calibration, constant scores), correct that feature or label first."
        ),
        "membership_inference_auc_is_low": (
            "Do not give probabilities to people who know the outcomes; make the trees smaller (fewer "
            "leaves, more customers per leaf) in the task of this problem, then launch retrain."
        ),
        "champion_is_calibrated": (
            "Roll back to the previous champion, then launch retrain; nothing new is published until a "
            "calibrated version serves."
        ),
        "scores_match_contract": (
            "Nothing was published: compare the named column in the scores with that of the previous "
            "as-of date, correct the code that writes it and launch score."
        ),
        "cohort_is_scored_once": (
            "Nothing was published: look for the missing or duplicate customers in the features of the "
            "as-of date, then launch score."
        ),
        "mean_probability_is_within_historical_range": (
            "Nothing was published: compare the predicted totals in the plot; if the newest exports are "
            "wrong, replace them and launch score, else roll back to the previous champion."
        ),
        "observed_totals_are_inside_intervals": (
            "Plan with wider margins than the published intervals, and look for an event that affected "
            "all customers: a closure, a campaign, a change of prices."
        ),
        "cohort_has_one_row_per_scheme": (
            "Nothing was published: look for the missing or duplicate customers in the behaviour features "
            "of the as-of date, then launch score."
        ),
        "segment_key_has_one_name": (
            "Nothing was published: two clusterings use one key for different segments; launch retrain to "
            "match the segments again."
        ),
        "segments_are_large_enough": (
            "Build no audience on the named segment; launch retrain, which promotes a new clustering if "
            "it is better."
        ),
        "segments_are_stable": (
            "Compare the profiles with those of the previous as-of date; audiences built on these segments "
            "change with them, so announce the change or keep the previous lists."
        ),
        "profiles_add_up": (
            "Nothing was published: profiles and assignments were computed from different rows; launch "
            "score again."
        ),
    }
)


def next_step_of(check: str) -> str:
    """Look up the next step of a check.

    Raises:
        KeyError: when the table has no sentence for it.
    """
    for name, step in NEXT_STEPS.items():
        if re.fullmatch(name.replace("<problem>", r"\w+"), check):
            return step
    raise KeyError(
        f"check {check!r} has no next step: pass next_step, or add a sentence to checks/remediation.py"
    )
