"""Freshness and volume checks detect a stopped source, a lost half week and bots, and accept Christmas."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from assets.metrics.arrays import Floats
from checks.data.freshness import row_volume_is_normal, sources_are_fresh
from checks.data.volume import usual_count, usual_empty_days

FIRST = date(2022, 1, 3)  # a Monday
WEEKDAYS = np.array([1.25, 1.15, 1.10, 1.05, 1.00, 0.65, 0.80])
SHUT = {"12-24", "12-25", "12-26", "01-01"}


def trade(rng: np.random.Generator, *, rows: float, weeks: int, peak: float = 1.5) -> Floats:
    """Rows of each day from FIRST: weekdays, a peak of 1 + ``peak`` before Christmas, closures, growth.

    On top of the Poisson error, weeks and days vary by 6 % and 10 % of their own.
    """
    days = np.datetime64(FIRST) + np.arange(7 * weeks)
    of_year = (days - days.astype("datetime64[Y]")).astype(int) + 1
    season = 1 + peak * np.exp(-0.5 * ((of_year - 345) / 16) ** 2) - 0.2 * (of_year <= 31)
    growth = np.exp(0.2 * np.arange(days.size) / 365)
    own = np.repeat(np.exp(rng.normal(0, 0.06, weeks)), 7) * np.exp(rng.normal(0, 0.1, days.size))
    is_open = np.array([str(day)[5:] not in SHUT for day in days])
    rate = rows * season * growth * own * is_open * np.tile(WEEKDAYS, weeks)
    return np.asarray(rng.poisson(rate), dtype=np.float64)


def steady(rng: np.random.Generator, *, rows: float, weeks: int) -> Floats:
    """Rows that know neither season nor weekday: reviews, a few a week, or 5 campaigns a day."""
    return rng.poisson(rows, 7 * weeks).astype(float)


def mailings(rng: np.random.Generator, *, weeks: int) -> Floats:
    """A send of about 5,000 messages on one day of four weeks out of five."""
    counts = np.zeros((weeks, 7))
    goes = rng.random(weeks) < 0.8
    counts[goes, rng.integers(5, size=goes.sum())] = np.exp(rng.normal(8.5, 0.3, goes.sum())).round()
    return counts.ravel()


def arrivals(counts: Floats, *, source: str = "orders") -> pd.DataFrame:
    """``counts`` of the days from FIRST, as ``daily_arrivals`` gives them."""
    days = pd.Timestamp(FIRST) + pd.to_timedelta(np.arange(counts.size), unit="D")
    rows = pd.DataFrame({"source": source, "day": days, "rows": counts, "rows_in_time": counts})
    return rows[rows["rows"] > 0]


def as_of_after(weeks: int) -> date:
    return FIRST + timedelta(weeks=weeks)


def shop(weeks: int, *, seed: int = 0, rows: float = 300) -> Floats:
    return trade(np.random.default_rng(seed), rows=rows, weeks=weeks)


def eight_sources(seed: int, *, weeks: int) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    return {
        "orders": trade(rng, rows=300, weeks=weeks),
        "shop_orders": trade(rng, rows=20, weeks=weeks, peak=2.0),
        "events": trade(rng, rows=3_000, weeks=weeks, peak=1.0),
        "consents": trade(rng, rows=15, weeks=weeks, peak=0.5),
        "leads": steady(rng, rows=4, weeks=weeks),
        "reviews": steady(rng, rows=0.6, weeks=weeks),
        "ad_spend": np.repeat(5 + rng.integers(3, size=weeks), 7).astype(float),
        "sends": mailings(rng, weeks=weeks),
    }


@pytest.mark.parametrize("first_week", [9, 104])
def test_eight_sources_give_at_most_one_false_alarm_in_a_year_of_mondays(first_week: int) -> None:
    # The first year holds no earlier Christmas, the third has two.
    alarms = []
    everything = eight_sources(1, weeks=first_week + 52)
    daily = pd.concat([arrivals(counts, source=name) for name, counts in everything.items()])
    for week in range(first_week, first_week + 52):
        known = daily[daily["day"] < pd.Timestamp(as_of_after(week))]
        for judge in (sources_are_fresh, row_volume_is_normal):
            verdict = judge(known, as_of=as_of_after(week))
            alarms += [] if verdict.passed else [verdict.reason]
    assert len(alarms) <= 1, alarms


def half_a_week_lost(week: Floats) -> Floats:
    return week * (np.arange(7) < 3)


def two_thirds_of_each_day_lost(week: Floats) -> Floats:
    return np.round(week / 3)


def delivered_twice(week: Floats) -> Floats:
    return week * 2


def one_day_full_of_bots(week: Floats) -> Floats:
    return week * np.where(np.arange(7) == 2, 50, 1)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (half_a_week_lost, "4 days without rows"),
        (two_thirds_of_each_day_lost, "too few"),
        (delivered_twice, "too many"),
        (one_day_full_of_bots, "its busiest day"),
    ],
)
def test_a_fault_in_the_newest_week_is_seen_whenever_it_happens(
    fault: Callable[[Floats], Floats], words: str
) -> None:
    # Months apart, Christmas weeks left out: after a peak of 2.5 times, a third of it is an ordinary week.
    counts = shop(150)
    for week in (70, 83, 96, 112, 125, 138):
        broken = counts[: 7 * week].copy()
        broken[-7:] = fault(broken[-7:])
        assert row_volume_is_normal(arrivals(counts[: 7 * week]), as_of=as_of_after(week)).passed
        verdict = row_volume_is_normal(arrivals(broken), as_of=as_of_after(week))
        assert not verdict.passed, week
        assert words in verdict.reason


def test_bots_are_named_by_their_day_and_number() -> None:
    counts = np.full(7 * 20, 100.0)
    counts[-5] = 5_000  # Wednesday: 100 x 50
    verdict = row_volume_is_normal(arrivals(counts, source="events"), as_of=as_of_after(20))
    assert not verdict.passed
    assert (
        f"events: its busiest day {as_of_after(20) - timedelta(days=5)} has 5,000 rows, too many"
        in verdict.reason
    )
    # The week is reported first: 6 days of 100 and the burst.
    assert verdict.value == 5_600
    assert verdict.evidence["n"] == 19


def test_two_jumps_in_a_year_are_usual() -> None:
    # A source that quadruples every eighth week is not broken when it does so again.
    counts = np.full((40, 7), 100.0)
    counts[7::8] = 400
    assert row_volume_is_normal(arrivals(counts.ravel()), as_of=as_of_after(40)).passed


def test_fewer_than_eight_earlier_weeks_cannot_be_judged() -> None:
    counts = np.full(7 * 8, 100.0)
    counts[-7:] = 1
    verdict = row_volume_is_normal(arrivals(counts), as_of=as_of_after(8))
    assert verdict.passed
    assert "cannot be compared yet: 7 full weeks before the newest, 8 needed" in verdict.reason
    counts = np.full(7 * 9, 100.0)
    counts[-7:] = 1
    assert not row_volume_is_normal(arrivals(counts), as_of=as_of_after(9)).passed


def test_the_half_week_in_which_a_source_began_is_not_its_history() -> None:
    # It began on a Thursday: of ten weeks, nine are whole, one of which is the newest.
    counts = np.full(7 * 10, 100.0)
    counts[:3] = 0
    verdict = row_volume_is_normal(arrivals(counts), as_of=as_of_after(10))
    assert "after 8 earlier weeks" in verdict.reason


def test_small_counts_are_given_their_sampling_error() -> None:
    # About 4 reviews a week: none to ten is chance (Poisson: P(over 10) = 0.3 %), sixty are not.
    earlier = np.random.default_rng(2).poisson(4, 100).astype(float)
    usual = usual_count(earlier)
    assert usual.least < 1
    assert 10 < usual.most < 60


def test_the_tolerance_of_a_steady_source_is_worked_out() -> None:
    # 400 each week: no spread, error 1 / sqrt(400) = 0.05; before a year is known a week may fall to 4/7
    # and rise to 3 times, and three errors beyond: 400.5 x 4/7 x exp(-3 / sqrt(228.9)) - 0.5 = 187.2,
    # and 400.5 x 3 x exp(3 / sqrt(1201.5)) - 0.5 = 1309.6.
    usual = usual_count(np.full(20, 400.0))
    assert usual.least == pytest.approx(187.2, abs=0.1)
    assert usual.most == pytest.approx(1309.6, abs=0.1)
    # With a year behind it the error is left, and a holiday that may move into the week:
    # 400.5 x 6/7 x exp(-3 / sqrt(343.3)) - 0.5 = 291.5, and 400.5 x exp(3 / sqrt(400.5)) - 0.5 = 464.8.
    usual = usual_count(np.full(80, 400.0))
    assert (usual.least, usual.most) == pytest.approx((291.5, 464.8), abs=0.1)


def test_growth_since_last_year_moves_the_season_along() -> None:
    # Twice as large as last year and tripled in the same week: 6 times last year's base is expected.
    weeks = np.arange(110)
    earlier = 1_000 * 2 ** (weeks / 52) * np.where(weeks % 52 == 6, 3, 1)
    usual = usual_count(earlier)  # the next is week 110, and 110 % 52 = 6
    assert usual.least < 3_000 * 2 ** (110 / 52) < usual.most
    assert usual.most < 2 * 3_000 * 2 ** (110 / 52)


def test_closed_days_of_last_christmas_may_come_again() -> None:
    ordinary = np.zeros(80)
    assert usual_empty_days(ordinary) == 1
    closed = ordinary.copy()
    closed[-52] = 2
    assert usual_empty_days(closed) == 3
    # Without a year of history, three days: everybody's first Christmas.
    assert usual_empty_days(np.zeros(30)) == 3


def test_a_week_without_rows_is_one_alarm_and_not_two() -> None:
    counts = shop(60)
    counts[-7:] = 0
    assert row_volume_is_normal(arrivals(counts), as_of=as_of_after(60)).passed
    assert not sources_are_fresh(arrivals(counts), as_of=as_of_after(60)).passed


def test_a_stopped_source_is_late_and_the_reason_says_by_how_much() -> None:
    counts = np.full(7 * 30, 100.0)
    counts[-5:] = 0  # since Wednesday
    verdict = sources_are_fresh(arrivals(counts), as_of=as_of_after(30))
    assert not verdict.passed
    assert (verdict.value, verdict.threshold) == (5, 3)
    newest = as_of_after(30) - timedelta(days=6)
    assert verdict.reason.startswith(
        f"orders: newest row {newest}, 5 days of silence, 3 allowed: it was never silent in a year"
    )


def test_closed_sundays_and_christmas_are_not_late() -> None:
    counts = shop(120).reshape(-1, 7)
    counts[:, 6] = 0
    for week in range(9, 121):
        known = arrivals(counts[:week].ravel())
        assert sources_are_fresh(known, as_of=as_of_after(week)).passed, as_of_after(week)


def test_a_long_closure_is_expected_at_the_same_date_a_year_later_only() -> None:
    # Eleven days shut from 24 December 2022, as a wholesaler does.
    days = np.datetime64(FIRST) + np.arange(7 * 130)
    is_shut = (days >= np.datetime64("2022-12-24")) & (days <= np.datetime64("2023-01-03"))
    counts = np.where(is_shut, 0.0, 50.0)

    def silent_from(day: str, as_of: date) -> bool:
        known = counts * (days < np.datetime64(day)) * (days < np.datetime64(as_of))
        return sources_are_fresh(arrivals(known), as_of=as_of).passed

    assert silent_from("2023-12-23", date(2024, 1, 1))  # 9 days
    assert not silent_from("2023-07-01", date(2023, 7, 10))  # 9 days too


SEASONS = {
    "summer": (5, 6, 7, 8),
    "Christmas": (11, 12),
    "all but August": (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12),
}


@pytest.mark.parametrize("months", SEASONS.values(), ids=SEASONS)
def test_the_off_season_of_last_year_is_expected_on_every_monday(months: tuple[int, ...]) -> None:
    days = pd.date_range(FIRST, periods=7 * 52 * 3)
    counts = np.where(days.month.isin(months) & (days.dayofweek < 5), 20.0, 0.0)
    late = [
        week
        for week in range(52 * 2, 52 * 3)
        if not sources_are_fresh(arrivals(counts[: 7 * week]), as_of=as_of_after(week)).passed
    ]
    assert late == []


def test_an_export_that_stops_in_the_season_is_late() -> None:
    days = pd.date_range(FIRST, periods=7 * 52 * 3)
    counts = np.where(days.month.isin(SEASONS["summer"]) & (days.dayofweek < 5), 20.0, 0.0)
    june = 52 * 2 + 24
    found = sources_are_fresh(arrivals(counts[: 7 * june]), as_of=as_of_after(june + 2))
    assert not found.passed
    assert "15 days of silence" in found.reason or "16 days of silence" in found.reason


def test_one_outage_does_not_excuse_the_next() -> None:
    counts = np.full(7 * 40, 100.0)
    counts[70:85] = 0  # 15 days; by itself it widens the spread of gaps to 15 / sqrt(260) = 0.9 days
    counts[-7:] = 0
    assert not sources_are_fresh(arrivals(counts), as_of=as_of_after(40)).passed


def test_a_weekly_source_is_late_by_its_own_gaps() -> None:
    counts = np.zeros((30, 7))
    counts[:, 1] = 5_000
    assert sources_are_fresh(arrivals(counts.ravel()), as_of=as_of_after(30)).passed
    # Six silent days between Tuesdays and three of grace; the missed send leaves twelve.
    counts[-1] = 0
    verdict = sources_are_fresh(arrivals(counts.ravel()), as_of=as_of_after(30))
    assert (verdict.passed, verdict.value, verdict.threshold) == (False, 12, 9)


def test_sources_are_judged_each_by_itself() -> None:
    counts = np.full(7 * 30, 100.0)
    stopped = counts * (np.arange(counts.size) < 7 * 30 - 10)
    daily = pd.concat([arrivals(counts, source="web"), arrivals(stopped, source="till")])
    verdict = sources_are_fresh(daily, as_of=as_of_after(30))
    assert not verdict.passed
    assert verdict.reason.startswith("till: ")
    assert "web" not in verdict.reason
    assert verdict.evidence["sources"] == 2


def test_a_table_that_nobody_delivers_is_neither_late_nor_small() -> None:
    nothing = arrivals(np.zeros(0))
    for judge in (sources_are_fresh, row_volume_is_normal):
        verdict = judge(nothing, as_of=FIRST)
        assert (verdict.passed, verdict.reason) == (True, "nothing is delivered for this table")
        assert verdict.evidence["n"] == 0


def test_seven_days_with_rows_are_too_few() -> None:
    verdict = sources_are_fresh(arrivals(np.ones(7)), as_of=as_of_after(10))
    assert verdict.passed
    assert "cannot be compared yet: 7 of 8 days with rows" in verdict.reason
