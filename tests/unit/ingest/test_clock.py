"""What day it is for a business."""

from datetime import date, datetime
from pathlib import Path

import pytest

from assets.ingest.config.business import BusinessConfig
from assets.ingest.config.clock import known_today

WALL_DAY = date(2026, 5, 4)


def business(clock: str, time_zone: str = "Europe/London") -> BusinessConfig:
    return BusinessConfig.model_validate(
        {
            "name": "shop",
            "title": "Shop",
            "clock": clock,
            "currency": "GBP",
            "time_zone": time_zone,
            "first_as_of_day": date(2011, 1, 3),
            "last_day": date(2011, 12, 9),
            "sources": (),
            "data_dir": Path(),
            "landing_dir": Path(),
        }
    )


@pytest.mark.parametrize(
    ("time_zone", "newest", "expected"),
    [
        ("Europe/London", datetime.fromisoformat("2011-12-09T12:50"), date(2011, 12, 10)),
        # 23:30 UTC in summer is half past midnight of the next day in London, and afternoon in New York.
        ("Europe/London", datetime.fromisoformat("2011-07-01T23:30"), date(2011, 7, 3)),
        ("America/New_York", datetime.fromisoformat("2011-07-01T23:30"), date(2011, 7, 2)),
        # A wrong year ends no outcome window: the history ends on 9 December.
        ("Europe/London", datetime.fromisoformat("2203-05-01T12:00"), date(2011, 12, 10)),
    ],
)
def test_with_a_data_clock_it_is_the_day_after_the_newest_fact(
    time_zone: str, newest: datetime, expected: date
) -> None:
    assert known_today(business("data", time_zone), newest, wall_today=lambda: WALL_DAY) == expected


def test_with_a_data_clock_and_no_facts_it_is_the_first_day() -> None:
    assert known_today(business("data"), None, wall_today=lambda: WALL_DAY) == date(2011, 1, 3)


def test_with_a_wall_clock_it_is_the_machines_day() -> None:
    newest = datetime.fromisoformat("2011-12-09T00:00")
    assert known_today(business("wall"), newest, wall_today=lambda: WALL_DAY) == WALL_DAY
