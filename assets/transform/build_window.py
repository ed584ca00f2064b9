"""Window of as-of dates to build so that no feature row is stale."""

from dataclasses import dataclass
from datetime import date

from assets.calendar import as_of_on_or_after


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFeatures:
    """As-of dates ``[first, last]`` in the feature tables, built by SQL with hash ``code_hash``."""

    first: date
    last: date
    code_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureWindow:
    """As-of dates ``[first, last]`` to build; ``is_full_refresh`` drops the tables first."""

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
    """The as-of dates to build for a requested one.

    Features of a past as-of date do not change by themselves, because they use only facts known before it.
    A date is rebuilt only when the SQL changed, or when a new file holds facts known on or after
    ``changed_from``: every later as-of date could have known them.

    Args:
        requested: The as-of date requested.
        history_first: The oldest as-of date of the business.
        built: Content of the tables; ``None`` on the first run.
        code_hash: Hash of the current feature SQL.
        changed_from: First ``known_at`` date among rows loaded since ``built``; ``None`` for none.
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
