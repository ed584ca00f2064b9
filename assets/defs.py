"""Partitions shared by all weekly assets."""

from datetime import date, timedelta

import dagster as dg

from assets.calendar import as_of_on_or_after, as_of_on_or_before

# The run tag that holds the as-of date.
PARTITION_TAG = "dagster/partition"


def as_of_partitions(
    first_day: date, last_day: date | None, *, time_zone: str
) -> dg.WeeklyPartitionsDefinition:
    """One partition per as-of date, a Monday at midnight in ``time_zone``.

    Args:
        first_day: The partitions begin on the first Monday on or after it.
        last_day: Last day of a data set that has ended; ``None`` continues with the calendar.
        time_zone: Of the business.
    """
    first = as_of_on_or_after(first_day).isoformat()
    if last_day is not None:
        newest = as_of_on_or_before(last_day + timedelta(days=1))
        end = (newest + timedelta(weeks=1)).isoformat()
        return dg.WeeklyPartitionsDefinition(start_date=first, end_date=end, day_offset=1, timezone=time_zone)
    return dg.WeeklyPartitionsDefinition(
        start_date=first,
        day_offset=1,
        timezone=time_zone,
        # The partition of an as-of date exists from that date on, not only when its week has ended.
        end_offset=1,
    )
