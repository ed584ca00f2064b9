"""Today's date of a business, and the newest as-of date that its facts allow."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from assets.calendar import DAYS_PER_WEEK, as_of_on_or_after, as_of_on_or_before
from assets.ingest.config.business import BusinessConfig, BusinessInvalid


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedDate:
    """An as-of date, and one sentence that says why it is this one; ``None`` when it is the one asked for."""

    as_of: date
    reason: str | None = None


def known_today(
    business: BusinessConfig, newest_known_at: datetime | None, *, wall_today: Callable[[], date]
) -> date:
    """Today, in the business's time zone.

    Args:
        business: With ``clock: data`` a historical data set runs as if its last day had just ended.
        newest_known_at: Newest ``known_at`` loaded, naive UTC; ``None`` when nothing has been loaded.
        wall_today: Returns the machine's date in the business's time zone; called only with ``clock: wall``.

    Returns:
        With ``clock: data`` the day after ``last_day`` where the newest fact is less than a week older: a
        shop that is closed at weekends has none of its last days. Else the day after the newest fact's local
        day: nobody knows whether a longer silence is the shop's or the export's, and in outcome windows
        without facts every customer would look lost. The first as-of date while there are no facts.
    """
    if business.clock == "wall":
        return wall_today()
    if newest_known_at is None:
        return business.first_as_of_day
    newest = _local_day(business, newest_known_at)
    last = business.last_day or newest
    is_whole = (last - newest).days < DAYS_PER_WEEK
    return (last if is_whole else newest) + timedelta(days=1)


def date_to_serve(
    business: BusinessConfig, newest_known_at: datetime | None, *, wall_today: Callable[[], date]
) -> ServedDate:
    """The newest as-of date that the facts of ``business`` allow.

    Args:
        business: Whose facts they are.
        newest_known_at: Newest ``known_at`` of its order lines, naive UTC; ``None`` when it has none.
        wall_today: Returns the machine's date in the business's time zone.

    Raises:
        BusinessInvalid: when the facts end before ``first_as_of_day``.
    """
    as_of = as_of_on_or_before(known_today(business, newest_known_at, wall_today=wall_today))
    if newest_known_at is None:
        refuse_before_first(business, as_of, facts="the newest day")
        return ServedDate(as_of=as_of)
    newest = _local_day(business, newest_known_at)
    refuse_before_first(business, as_of, facts=f"the newest order line, of {newest},")
    return ServedDate(as_of=as_of, reason=_why(business, newest, as_of=as_of))


def refuse_before_first(business: BusinessConfig, as_of: date, *, facts: str) -> None:
    """Refuse an as-of date before the first one.

    Args:
        business: Has the first one.
        as_of: The newest as-of date that can be served.
        facts: What it follows from, for the error.

    Raises:
        BusinessInvalid: names both dates and the remedy.
    """
    if as_of < as_of_on_or_after(business.first_as_of_day):
        raise BusinessInvalid(
            f"{business.name}.yaml: first_as_of_day {business.first_as_of_day} leaves no as-of date: "
            f"{facts} allows Monday {as_of} at most; set first_as_of_day to an earlier day, a quarter after "
            "the first order, or deliver newer files"
        )


def lateness(newest: date, *, as_of: date) -> str | None:
    """One sentence when the newest order line is more than a week older than the as-of date, else ``None``.

    Args:
        newest: Local day of the newest order line.
        as_of: The as-of date.
    """
    behind = (as_of - newest).days - 1
    if behind < DAYS_PER_WEEK:
        return None
    return f"the newest order line is of {newest}, {behind} days before it: deliver the missing files"


def _why(business: BusinessConfig, newest: date, *, as_of: date) -> str | None:
    if business.clock == "wall":
        return None
    asked = as_of_on_or_before((business.last_day or newest) + timedelta(days=1))
    if as_of >= asked:
        return None
    return (
        f"the newest with facts: the newest order line is of {newest}, and last_day says "
        f"{business.last_day}, whose as-of date would be {asked}"
    )


def _local_day(business: BusinessConfig, moment: datetime) -> date:
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(business.time_zone)).date()
