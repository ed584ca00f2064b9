"""As-of days are Mondays, and a day has matured only when its whole window is behind us."""

from datetime import date

from assets.calendar import as_of_days, as_of_on_or_after, as_of_on_or_before, latest_matured_as_of


def test_a_monday_is_its_own_as_of_day() -> None:
    assert as_of_on_or_before(date(2011, 12, 5)) == date(2011, 12, 5)
    assert as_of_on_or_after(date(2011, 12, 5)) == date(2011, 12, 5)


def test_any_other_day_lies_between_two_as_of_days() -> None:
    assert as_of_on_or_before(date(2011, 12, 10)) == date(2011, 12, 5)
    assert as_of_on_or_after(date(2011, 12, 10)) == date(2011, 12, 12)


def test_as_of_days_include_both_ends() -> None:
    assert as_of_days(date(2011, 11, 21), date(2011, 12, 5)) == [
        date(2011, 11, 21),
        date(2011, 11, 28),
        date(2011, 12, 5),
    ]


def test_there_is_no_as_of_day_in_a_week_that_has_none() -> None:
    assert as_of_days(date(2011, 12, 6), date(2011, 12, 11)) == []


def test_a_day_matures_when_its_window_has_passed() -> None:
    # 7 November + 30 days = 7 December: its last label day is 6 December, so on the 7th all is known.
    assert latest_matured_as_of(date(2011, 12, 7), horizon_days=30) == date(2011, 11, 7)
    assert latest_matured_as_of(date(2011, 12, 6), horizon_days=30) == date(2011, 10, 31)
