"""What to do next when a check of ours fails: one sentence per check, shown beside its reason."""

import re
from collections.abc import Mapping
from types import MappingProxyType

# ``<problem>`` stands for the name of a prediction problem.
NEXT_STEPS: Mapping[str, str] = MappingProxyType(
    {
        "every_row_is_accounted_for": (
            "Launch refresh once more; if the rows still do not add up, the landing code is wrong: report "
            "it with the file that the reason names."
        ),
        "every_file_is_readable": (
            "Export the named files again in the format that their source declares, put them in the place "
            "of the old ones and launch refresh."
        ),
        "sources_are_fresh": (
            "Deliver what is missing and launch the job again; take the source out of the YAML if it has "
            "ended."
        ),
        "row_volume_is_normal": (
            "Compare the named days with the system they came from: look for missing files or broken "
            "tracking where there are too few, for bots or a repeated delivery where there are too many."
        ),
        "training_rows_of_<problem>_match_contract": (
            "Look up the named column in its features model: either the data changed its meaning, or the "
            "model computes it wrong; mend it and launch score."
        ),
        "realised_calibration_is_within_tolerance": (
            "Launch retrain for the newest as-of day, or make rollback to the champion before; until then "
            "the rows published before are served."
        ),
        "features_have_not_drifted": (
            "Open the page in a browser and find the named columns; mend the source if it broke, launch "
            "retrain if customers really changed."
        ),
        "candidate_passes_the_gate": (
            "Nothing, when it merely did not beat the champion, who stays; when the reason names a fault "
            "(leak, calibration, constant scores), mend that feature or label first."
        ),
        "membership_inference_auc_is_low": (
            "Do not give probabilities to people who know the outcomes; make the trees smaller (fewer "
            "leaves, more customers per leaf) in the task of this problem, then launch retrain."
        ),
        "champion_is_calibrated": (
            "Make rollback to the champion before, then launch retrain; nothing new is published until a "
            "calibrated version serves."
        ),
        "scores_match_contract": (
            "Nothing was published: compare the named column in the scores with yesterday's, mend what "
            "writes it and launch score."
        ),
        "cohort_is_scored_once": (
            "Nothing was published: look for the missing or doubled customers in the features of the day, "
            "then launch score."
        ),
        "mean_probability_is_within_historical_range": (
            "Nothing was published: look at the totals plot of the scores for what moved; if the newest "
            "exports are wrong mend those and launch score, else make rollback."
        ),
        "observed_totals_are_inside_intervals": (
            "Plan with wider margins than the published intervals, and look for what moved everybody at "
            "once: a closure, a campaign, a change of prices."
        ),
        "realised_totals_are_within_tolerance": (
            "Launch retrain for the newest as-of day: its back-test has the same rows, and refuses a recipe "
            "whose totals do not agree; plan with wider margins until then."
        ),
        "interval_coverage_is_nominal": (
            "Take the interval of one customer for narrower or wider than it says, as the reason tells; the "
            "means and totals are judged by other checks."
        ),
        "backtest_totals_are_within_tolerance": (
            "Nothing new was published: read in calibration_bins which tenth or cohort is off, and launch "
            "retrain; the naive formula serves when no recipe passes."
        ),
        "cohort_has_every_horizon": (
            "Nothing was published: look for the missing or doubled customers in the histories of the day, "
            "then launch score."
        ),
        "amounts_lie_in_their_intervals": (
            "Nothing was published: look up the named amounts; a negative or endless one comes from the "
            "histories, a mean outside its interval from the model."
        ),
        "value_is_monotone_in_horizon": (
            "Nothing was published: the horizons were not forecast together; report it with the customers "
            "that the reason counts."
        ),
        "scored_customers_have_consent": (
            "Nothing was published: launch score for the morning again; if the rows come back, their room "
            "reads customers from another table than pit_customer__eligibility."
        ),
        "audience_has_consent_and_no_holdout": (
            "Nothing was published, and upload no file of this morning: launch score again; if the members "
            "come back, the audience reads marks that the answers do not bear out."
        ),
        "no_personal_data_outside_vault": (
            "Open the named files: declare the column that holds the values under pii and launch refresh; "
            "when customers wrote them into a text, mask them in the mapping of that column."
        ),
        "cohort_has_one_row_per_scheme": (
            "Nothing was published: look for the missing or doubled customers in the behaviour features of "
            "the day, then launch score."
        ),
        "segment_key_has_one_name": (
            "Nothing was published: two groupings use one key for different segments; launch retrain to "
            "match them anew."
        ),
        "segments_are_large_enough": (
            "Build no audience on the named segment; launch retrain, which adopts a new grouping when one "
            "serves better."
        ),
        "segments_are_stable": (
            "Look at the profiles for what moved; audiences built on these segments change with them, so "
            "announce it or keep last week's lists."
        ),
        "profiles_add_up": (
            "Nothing was published: the profiles and the assignments were made of different rows; launch "
            "score again."
        ),
    }
)


def next_step_of(check: str) -> str:
    """What to do when the check of that name fails.

    Raises:
        KeyError: when nobody has said so yet.
    """
    for name, step in NEXT_STEPS.items():
        if re.fullmatch(name.replace("<problem>", r"\w+"), check):
            return step
    raise KeyError(f"check {check!r} does not say what to do next: add a sentence to checks/remediation.py")
