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
        "rows_arrive_on_time": (
            "Deliver what is missing and launch the job again; take the source out of the YAML if it has "
            "ended."
        ),
        "row_counts_are_usual": (
            "Compare the named days with the system they came from: look for missing files or broken "
            "tracking where there are too few, for bots or a repeated delivery where there are too many."
        ),
        "training_rows_of_<problem>_keep_their_contract": (
            "Look up the named column in its features model: either the data changed its meaning, or the "
            "model computes it wrong; mend it and launch score."
        ),
        "published_probabilities_came_true": (
            "Launch retrain for the newest as-of day, or make rollback to the champion before; until then "
            "the rows published before are served."
        ),
        "customers_are_like_those_it_learned_from": (
            "Open the page in a browser and find the named columns; mend the source if it broke, launch "
            "retrain if customers really changed."
        ),
        "candidate_is_worth_promoting": (
            "Nothing, when it merely did not beat the champion, who stays; when the reason names a fault "
            "(leak, calibration, constant scores), mend that feature or label first."
        ),
        "members_cannot_be_told": (
            "Do not give probabilities to people who know the outcomes; make the trees smaller (fewer "
            "leaves, more customers per leaf) in the task of this problem, then launch retrain."
        ),
        "champion_is_calibrated": (
            "Make rollback to the champion before, then launch retrain; nothing new is published until a "
            "calibrated version serves."
        ),
        "scores_keep_their_contract": (
            "Nothing was published: compare the named column in the scores with yesterday's, mend what "
            "writes it and launch score."
        ),
        "everyone_is_scored_once": (
            "Nothing was published: look for the missing or doubled customers in the features of the day, "
            "then launch score."
        ),
        "mean_is_near_what_happens": (
            "Nothing was published: look at the totals plot of the scores for what moved; if the newest "
            "exports are wrong mend those and launch score, else make rollback."
        ),
        "totals_lie_in_their_intervals": (
            "Plan with wider margins than the published intervals, and look for what moved everybody at "
            "once: a closure, a campaign, a change of prices."
        ),
        "published_totals_came_true": (
            "Launch retrain for the newest as-of day: its back-test has the same rows, and refuses a recipe "
            "whose totals do not agree; plan with wider margins until then."
        ),
        "intervals_cover_as_promised": (
            "Take the interval of one customer for narrower or wider than it says, as the reason tells; the "
            "means and totals are judged by other checks."
        ),
        "predicted_totals_agree": (
            "Nothing new was published: read in calibration_bins which tenth or cohort is off, and launch "
            "retrain; the naive formula serves when no recipe passes."
        ),
        "outlooks_keep_their_contract": (
            "Nothing was published: compare the named column in the lifetime value scores with last week's, "
            "mend what writes it and launch score."
        ),
        "everyone_has_every_horizon": (
            "Nothing was published: look for the missing or doubled customers in the histories of the day, "
            "then launch score."
        ),
        "amounts_lie_in_their_intervals": (
            "Nothing was published: look up the named amounts; a negative or endless one comes from the "
            "histories, a mean outside its interval from the model."
        ),
        "longer_horizons_are_worth_more": (
            "Nothing was published: the horizons were not forecast together; report it with the customers "
            "that the reason counts."
        ),
        "nobody_is_scored_without_consent": (
            "Nothing was published: launch score for the morning again; if the rows come back, their room "
            "reads customers from another table than pit_customer__eligibility."
        ),
        "nobody_is_contacted_against_their_will": (
            "Nothing was published, and upload no file of this morning: launch score again; if the members "
            "come back, the audience reads marks that the answers do not bear out."
        ),
        "personal_values_lie_in_the_vault_only": (
            "Open the named files: declare the column that holds the values under pii and launch refresh; "
            "when customers wrote them into a text, mask them in the mapping of that column."
        ),
        "everyone_is_in_one_segment": (
            "Nothing was published: look for the missing or doubled customers in the behaviour features of "
            "the day, then launch score."
        ),
        "segments_keep_their_contract": (
            "Nothing was published: compare the named column of the assignments with last week's, mend what "
            "writes it and launch score."
        ),
        "one_name_per_key": (
            "Nothing was published: two groupings use one key for different segments; launch retrain to "
            "match them anew."
        ),
        "no_segment_is_a_handful": (
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
    raise KeyError(f"check {check!r} does not say what to do next: add a sentence to checks/next_steps.py")
