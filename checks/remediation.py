"""Next step after a failed check, for declarations without their own: one sentence per check."""

from collections.abc import Mapping
from types import MappingProxyType

NEXT_STEPS: Mapping[str, str] = MappingProxyType(
    {
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
        KeyError: The table has no sentence for it.
    """
    if check not in NEXT_STEPS:
        raise KeyError(
            f"check {check!r} has no next step: pass next_step, or add a sentence to checks/remediation.py"
        )
    return NEXT_STEPS[check]
