"""As-of dates are Mondays, and one has matured only when its whole outcome window has ended."""

from datetime import date

from assets.calendar import as_of_days, as_of_on_or_after, as_of_on_or_before, latest_matured_as_of


def test_a_monday_is_its_own_as_of_date() -> None:
    assert as_of_on_or_before(date(2011, 12, 5)) == date(2011, 12, 5)
    assert as_of_on_or_after(date(2011, 12, 5)) == date(2011, 12, 5)


def test_any_other_day_is_between_two_as_of_dates() -> None:
    assert as_of_on_or_before(date(2011, 12, 10)) == date(2011, 12, 5)
    assert as_of_on_or_after(date(2011, 12, 10)) == date(2011, 12, 12)


def test_as_of_dates_include_both_ends() -> None:
    assert as_of_days(date(2011, 11, 21), date(2011, 12, 5)) == [
        date(2011, 11, 21),
        date(2011, 11, 28),
        date(2011, 12, 5),
    ]


def test_a_range_without_a_monday_has_no_as_of_date() -> None:
    assert as_of_days(date(2011, 12, 6), date(2011, 12, 11)) == []


def test_an_as_of_date_matures_when_its_window_has_ended() -> None:
    # 7 November + 30 days = 7 December: its last label day is 6 December, so on the 7th all is known.
    assert latest_matured_as_of(date(2011, 12, 7), horizon_days=30) == date(2011, 11, 7)
    assert latest_matured_as_of(date(2011, 12, 6), horizon_days=30) == date(2011, 10, 31)
