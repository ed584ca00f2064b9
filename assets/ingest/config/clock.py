"""Today's date of a business: the machine's date, or the day after its newest fact."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from assets.ingest.config.business import BusinessConfig


def known_today(
    business: BusinessConfig, newest_known_at: datetime | None, *, wall_today: Callable[[], date]
) -> date:
    """Today, in the business's time zone.

    Args:
        business: With ``clock: data`` a historical data set runs as if its last day had just ended.
        newest_known_at: Newest ``known_at`` loaded, naive UTC; ``None`` when nothing has been loaded.
        wall_today: Returns the machine's date in the business's time zone; called only with ``clock: wall``.

    Returns:
        With ``clock: data`` the local day after the newest fact's local day, because that day's facts
        are all known by then, but not after the day that follows ``last_day``: outcome windows beyond it have
        no facts. The first as-of date while there are no facts.
    """
    if business.clock == "wall":
        return wall_today()
    if newest_known_at is None:
        return business.first_as_of_day
    newest = newest_known_at.replace(tzinfo=UTC).astimezone(ZoneInfo(business.time_zone)).date()
    return min(newest, business.last_day or newest) + timedelta(days=1)
