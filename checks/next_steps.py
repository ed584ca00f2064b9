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
