"""Weekly as-of dates, and the dates whose outcome window has ended."""

from datetime import date, timedelta

MONDAY = 0
DAYS_PER_WEEK = 7


def as_of_on_or_before(day: date) -> date:
    """Latest weekly as-of date (a Monday) that is not after ``day``.

    >>> str(as_of_on_or_before(date(2024, 12, 31))), str(as_of_on_or_before(date(2024, 12, 30)))
    ('2024-12-30', '2024-12-30')
    """
    return day - timedelta(days=(day.weekday() - MONDAY) % DAYS_PER_WEEK)


def as_of_on_or_after(day: date) -> date:
    """Earliest weekly as-of date (a Monday) that is not before ``day``.

    >>> str(as_of_on_or_after(date(2024, 12, 31))), str(as_of_on_or_after(date(2024, 12, 30)))
    ('2025-01-06', '2024-12-30')
    """
    return day + timedelta(days=(MONDAY - day.weekday()) % DAYS_PER_WEEK)


def as_of_days(first: date, last: date) -> list[date]:
    """Every as-of date in ``[first, last]``, oldest first.

    >>> [str(day) for day in as_of_days(date(2024, 12, 24), date(2025, 1, 6))]
    ['2024-12-30', '2025-01-06']
    """
    start = as_of_on_or_after(first)
    count = max(0, (last - start).days // DAYS_PER_WEEK + 1)
    return [start + timedelta(weeks=week) for week in range(count)]


def first_of_months(first: date, last: date) -> list[date]:
    """First as-of date of each month in ``[first, last]``.

    >>> [str(day) for day in first_of_months(date(2024, 12, 24), date(2025, 2, 28))]
    ['2024-12-30', '2025-01-06', '2025-02-03']
    """
    found: dict[tuple[int, int], date] = {}
    for day in as_of_days(first, last):
        found.setdefault((day.year, day.month), day)
    return list(found.values())


def latest_matured_as_of(today: date, *, horizon_days: int) -> date:
    """Latest as-of date whose whole outcome window ``[day, day + horizon_days)`` is before ``today``.

    The window of 30 days from Monday 7 November has ended on 7 December, not yet on the 6th:

    >>> [str(latest_matured_as_of(date(2011, 12, day), horizon_days=30)) for day in (7, 6)]
    ['2011-11-07', '2011-10-31']
    """
    return as_of_on_or_before(today - timedelta(days=horizon_days))
