"""Weekly as-of dates, and the latest one whose outcomes have matured."""

from datetime import date, timedelta

MONDAY = 0
DAYS_PER_WEEK = 7


def as_of_on_or_before(day: date) -> date:
    """The newest weekly as-of date (a Monday) that is not after ``day``."""
    return day - timedelta(days=(day.weekday() - MONDAY) % DAYS_PER_WEEK)


def as_of_on_or_after(day: date) -> date:
    """The oldest weekly as-of date (a Monday) that is not before ``day``."""
    return day + timedelta(days=(MONDAY - day.weekday()) % DAYS_PER_WEEK)


def as_of_days(first: date, last: date) -> list[date]:
    """Every as-of date in ``[first, last]``, oldest first."""
    start = as_of_on_or_after(first)
    count = max(0, (last - start).days // DAYS_PER_WEEK + 1)
    return [start + timedelta(weeks=week) for week in range(count)]


def first_of_months(first: date, last: date) -> list[date]:
    """The first as-of date of each month in ``[first, last]``."""
    found: dict[tuple[int, int], date] = {}
    for day in as_of_days(first, last):
        found.setdefault((day.year, day.month), day)
    return list(found.values())


def latest_matured_as_of(today: date, *, horizon_days: int) -> date:
    """The newest as-of date whose outcome window ``[day, day + horizon_days)`` ended before ``today``."""
    return as_of_on_or_before(today - timedelta(days=horizon_days))
