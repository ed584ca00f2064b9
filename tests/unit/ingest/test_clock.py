"""What day it is for a business."""

from datetime import date, datetime
from pathlib import Path

import pytest

from assets.ingest.config.business import BusinessConfig, BusinessInvalid
from assets.ingest.config.clock import date_to_serve, known_today, lateness

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
        # The shop is closed at weekends: the export of Sunday the 11th is whole. Here last_day is a Friday.
        ("Europe/London", datetime.fromisoformat("2011-12-03T12:00"), date(2011, 12, 10)),
        # A week without facts may be the export's fault: outcomes after the newest fact are not known.
        ("Europe/London", datetime.fromisoformat("2011-12-02T12:00"), date(2011, 12, 3)),
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


def test_the_newest_as_of_date_with_facts_is_served_and_the_reason_names_both_dates() -> None:
    served = date_to_serve(
        business("data"), datetime.fromisoformat("2011-11-08T12:00"), wall_today=lambda: WALL_DAY
    )
    # Tuesday 8 November: the Monday before. The day after last_day, 10 December, follows Monday the 5th.
    assert served.as_of == date(2011, 11, 7)
    assert served.reason is not None
    assert "newest order line is of 2011-11-08" in served.reason
    assert "as-of date would be 2011-12-05" in served.reason


def test_the_as_of_date_that_was_asked_for_needs_no_reason() -> None:
    newest = datetime.fromisoformat("2011-12-04T12:00")
    served = date_to_serve(business("data"), newest, wall_today=lambda: WALL_DAY)
    assert (served.as_of, served.reason) == (date(2011, 12, 5), None)


def test_order_lines_a_week_older_than_the_as_of_date_are_late() -> None:
    as_of = date(2026, 5, 4)
    # From 21 April to 3 May, and from 28 April to 3 May.
    assert lateness(date(2026, 4, 20), as_of=as_of) == (
        "the newest order line is of 2026-04-20, 13 days before it: deliver the missing files"
    )
    assert lateness(date(2026, 4, 27), as_of=as_of) is None


def test_facts_that_end_before_the_first_as_of_date_are_refused_with_the_remedy() -> None:
    with pytest.raises(
        BusinessInvalid,
        match=r"first_as_of_day 2011-01-03 leaves no as-of date: the newest order line, of 2010-12-30,",
    ):
        date_to_serve(
            business("data"), datetime.fromisoformat("2010-12-30T12:00"), wall_today=lambda: WALL_DAY
        )
