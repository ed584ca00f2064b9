"""Which as-of days the feature tables must build so that none of them is stale."""

from dataclasses import dataclass
from datetime import date

from assets.calendar import as_of_on_or_after


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFeatures:
    """What the feature tables hold: days ``[first, last]``, built by the SQL with hash ``code_hash``."""

    first: date
    last: date
    code_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureWindow:
    """Build the as-of days ``[first, last]``; ``is_full_refresh`` drops the tables before."""

    first: date
    last: date
    is_full_refresh: bool


def feature_window(
    requested: date,
    history_first: date,
    *,
    built: BuiltFeatures | None,
    code_hash: str,
    changed_from: date | None,
) -> FeatureWindow:
    """The days to build when a person asks for ``requested``.

    Features of a past day never move by themselves (they use only what was known before it), so a
    day is rebuilt only when the SQL changed, or when an export landed since brought facts known on
    or after ``changed_from``: those could have been known to every as-of day after it.

    Args:
        requested: The as-of day wanted.
        history_first: The oldest as-of day the business has.
        built: What the tables hold, or ``None`` on the first run.
        code_hash: Hash of today's feature SQL.
        changed_from: First ``known_at`` day among rows landed since ``built``; ``None`` for none.
    """
    if built is None or built.code_hash != code_hash or built.first > history_first:
        last = requested if built is None else max(requested, built.last)
        return FeatureWindow(first=history_first, last=last, is_full_refresh=True)
    following = min(requested, as_of_on_or_after(date.fromordinal(built.last.toordinal() + 1)))
    starts = [following] if changed_from is None else [following, as_of_on_or_after(changed_from)]
    return FeatureWindow(
        first=max(history_first, min(starts)),
        last=max(requested, built.last) if changed_from is not None else requested,
        is_full_refresh=False,
    )
