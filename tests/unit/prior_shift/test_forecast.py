"""The prior shift forecast recovers a simulated shift, closures and seasons, and never looks ahead."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from assets.metrics.classification import with_shift
from assets.prior_shift.covariates import PeriodHistory, period_covariates
from assets.prior_shift.forecast import (
    FIRST_SEASON_SD,
    PRIOR_PERIODS,
    PRIOR_SD,
    PriorShiftForecast,
    forecast_prior_shift,
    total_interval,
)
from assets.prior_shift.trading_days import DailyOrders, TradingCalendar, order_days

Floats = npt.NDArray[np.float64]

MONDAY = date(2023, 1, 2)
HORIZON = 28
CUSTOMERS = 2_000.0
EXPECTED = 0.2  # mean probability, so 400 expected buyers and, at 1.25 orders each, 500 orders in 28 days


def daily_orders(per_day: Floats) -> DailyOrders:
    days = np.datetime64(MONDAY, "D") + np.arange(per_day.size)
    return DailyOrders(day=days, orders=per_day, repeat_orders=per_day * 0.8)


def history(shifts: Floats, *, first_week: int = 0) -> PeriodHistory:
    weeks = first_week + np.arange(shifts.size)
    return PeriodHistory(
        as_of_date=np.datetime64(MONDAY, "D") + 7 * weeks,
        customers=np.full(shifts.size, CUSTOMERS),
        expected=np.full(shifts.size, EXPECTED),
        shift=shifts,
    )


def week(number: int) -> date:
    return MONDAY + timedelta(weeks=number)


def calendar_of(per_day: Floats, number: int) -> TradingCalendar:
    trade = order_days(daily_orders(per_day))
    assert trade is not None
    calendar = trade.known_before(week(number))
    assert calendar is not None
    return calendar


def forecast(per_day: Floats, shifts: Floats, *, horizon_days: int = HORIZON) -> PriorShiftForecast:
    """Forecast of the latest as-of date of ``shifts``."""
    as_of = week(shifts.size - 1)
    return forecast_prior_shift(
        history(shifts), daily_orders(per_day), as_of=as_of, horizon_days=horizon_days
    )


def test_a_steady_shop_recovers_the_simulated_shift() -> None:
    made = forecast(np.full(7 * 99, 20.0), np.full(100, 0.3))
    # Not to the last digit: half an order is added wherever a logarithm is taken.
    assert made.shift == pytest.approx(0.3, abs=0.01)
    assert made.sd < PRIOR_SD
    assert sum(made.components.values()) == pytest.approx(made.shift)


def test_the_forecast_follows_orders_after_the_last_matured_window() -> None:
    # Orders double in the last four weeks, all of which are after the latest matured as-of date.
    per_day = np.r_[np.full(7 * 95, 20.0), np.full(7 * 4, 40.0)]
    made = forecast(per_day, np.full(100, 0.0))
    kappa = -np.log(1 - EXPECTED) / EXPECTED
    reliability = 0.2**2 / (0.2**2 + 1 / (40 * 0.8 * 28 + 0.5))
    assert made.shift == pytest.approx(kappa * np.log(2) * reliability, abs=0.02)


def test_without_a_known_year_a_rise_is_half_of_a_season_and_the_interval_is_wide() -> None:
    # Orders double in the last four of 26 weeks, half of a year: half of the rise over the mean is taken off.
    # The mean of 23 dates is up by (log 1.25 + log 1.5 + log 1.75 + log 2) / 23 = 0.12 log 2: 0.56 are left.
    per_day = np.r_[np.full(7 * 22, 20.0), np.full(7 * 4, 40.0)]
    made, lasting = forecast(per_day, np.zeros(27)), forecast(np.full(7 * 26, 20.0), np.zeros(27))
    kappa = -np.log(1 - EXPECTED) / EXPECTED
    assert lasting.shift == pytest.approx(0, abs=0.01)
    assert made.shift == pytest.approx(0.56 * kappa * np.log(2), rel=0.02)
    assert not made.has_season
    assert made.sd >= FIRST_SEASON_SD
    assert sum(made.components.values()) == pytest.approx(made.shift)


def test_a_closure_last_year_is_expected_again() -> None:
    # Open every day for a year, but closed for the 14 days from week 48; 52 weeks later the same weeks come.
    per_day = np.full(7 * 100, 20.0)
    per_day[7 * 48 : 7 * 50] = 0
    seen = period_covariates(calendar_of(per_day, 100), week(100), lookback_days=28, horizon_days=28)
    # Weeks 100..103 were weeks 48..51: 14 of 28 days closed. By date that is a day later (364 against 365),
    # so the first and the 15th day are half closed each: 0.5 + 13 + 0.5 = 14.
    assert np.exp(seen.trading) == pytest.approx(0.5)
    # Orders per trading day did not change last year, so the closure is not counted again as season.
    assert seen.season == pytest.approx(0, abs=0.01)


def test_the_closed_weekday_is_estimated() -> None:
    per_day = np.tile([20.0, 20, 20, 20, 20, 20, 0], 20)
    calendar = calendar_of(per_day, 20)
    assert calendar.trading_days(140, 147) == pytest.approx(7)
    assert calendar.trading_days(146, 147) == 0
    assert calendar.trading_days(140, 141) == pytest.approx(7 / 6)


def test_a_quiet_day_of_a_small_shop_is_no_closure() -> None:
    # One order every other day: a day without an order proves nothing.
    calendar = calendar_of(np.tile([1.0, 0.0], 200), 52)
    assert not calendar.is_closed.any()


def test_last_years_peak_is_expected_again() -> None:
    # Twice the orders in weeks 48 to 51 of the first year; scored in week 100.
    per_day = np.full(7 * 100, 100.0)
    per_day[7 * 48 : 7 * 52] = 200
    shifts = np.zeros(101)
    kappa = -np.log(1 - EXPECTED) / EXPECTED
    before, after = 2800.5, 5600.5
    change = np.log(after / before) * 0.04 / (0.04 + 1 / before + 1 / after)
    made = forecast(per_day, shifts)
    assert made.has_season
    assert made.components["season"] == pytest.approx(kappa * change)


def ar1_shop(rng: np.random.Generator, weeks: int) -> tuple[Floats, Floats]:
    """Orders per day and matured shifts of a shop whose log intensity is a weekly AR(1)."""
    effect = np.zeros(weeks + 4)
    for index in range(1, weeks + 4):
        effect[index] = 0.8 * effect[index - 1] + rng.normal(0, 0.12)
    per_day = rng.poisson(np.repeat(25 * np.exp(effect), 7)).astype(float)
    intensity = -np.log(1 - EXPECTED) * np.convolve(np.exp(effect), np.full(4, 0.25), mode="valid")
    buyers = rng.binomial(int(CUSTOMERS), 1 - np.exp(-intensity))
    # Customers are equal, so the shift is the plain difference of log-odds.
    return per_day, np.log(buyers / (CUSTOMERS - buyers)) - np.log(EXPECTED / (1 - EXPECTED))


@pytest.mark.parametrize("weeks", [70, 120])
def test_the_interval_has_its_nominal_coverage(weeks: int) -> None:
    rng = np.random.default_rng(7)
    equal = np.full(int(CUSTOMERS), EXPECTED)
    covered = []
    for _ in range(120):
        per_day, shifts = ar1_shop(rng, weeks)
        low, high = total_interval(equal, forecast(per_day, shifts))
        covered.append(low <= with_shift(equal, shifts[-1]).sum() <= high)
    # 95 % of 120 replications, give or take 2.5 standard errors of 2.0 points
    assert 0.90 <= np.mean(covered) <= 0.999


def test_an_interval_without_the_error_of_the_shift_covers_far_too_seldom() -> None:
    rng = np.random.default_rng(8)
    equal = np.full(int(CUSTOMERS), EXPECTED)
    covered = []
    for _ in range(40):
        per_day, shifts = ar1_shop(rng, 40)
        low, high = total_interval(equal, replace(forecast(per_day, shifts), sd=0.0))
        covered.append(low <= with_shift(equal, shifts[-1]).sum() <= high)
    assert np.mean(covered) < 0.6


def test_later_facts_do_not_change_the_forecast() -> None:
    rng = np.random.default_rng(3)
    per_day, shifts = ar1_shop(rng, 80)
    known, as_of = history(shifts), week(60)
    before = forecast_prior_shift(known, daily_orders(per_day), as_of=as_of, horizon_days=HORIZON)
    tampered_days = per_day.copy()
    tampered_days[7 * 60 :] *= 9
    tampered_shifts = shifts.copy()
    tampered_shifts[57:] = 5  # week 56 + 28 days ends at the start of week 60, week 57 has not matured
    tampered = replace(known, shift=tampered_shifts, expected=np.r_[known.expected[:61], np.full(20, 0.9)])
    after = forecast_prior_shift(tampered, daily_orders(tampered_days), as_of=as_of, horizon_days=HORIZON)
    assert after == before


def test_the_latest_matured_window_does_change_the_forecast() -> None:
    per_day, shifts = ar1_shop(np.random.default_rng(3), 80)
    moved = shifts.copy()
    moved[56] = 5
    daily, as_of = daily_orders(per_day), week(60)
    assert forecast_prior_shift(
        history(moved), daily, as_of=as_of, horizon_days=HORIZON
    ) != forecast_prior_shift(history(shifts), daily, as_of=as_of, horizon_days=HORIZON)


def test_without_a_matured_window_the_shift_is_0_with_the_prior_sd() -> None:
    made = forecast(np.full(21, 20.0), np.zeros(4))
    assert (made.shift, made.sd, made.degrees_of_freedom) == (0.0, FIRST_SEASON_SD, PRIOR_PERIODS)
    assert made.n_periods == 0


def test_a_shop_without_an_order_still_has_a_forecast() -> None:
    made = forecast(np.zeros(7), np.zeros(2))
    assert made.shift == 0.0
    assert np.isfinite(made.sd)


@pytest.mark.parametrize("horizon_days", [7, 14, 30, 60, 90])
def test_every_horizon_has_a_finite_shift(horizon_days: int) -> None:
    per_day, shifts = ar1_shop(np.random.default_rng(5), 90)
    made = forecast(per_day, shifts, horizon_days=horizon_days)
    assert np.isfinite([made.shift, made.sd, made.degrees_of_freedom]).all()
    assert made.sd > 0


def test_a_day_that_is_no_as_of_date_is_refused() -> None:
    with pytest.raises(ValueError, match="2023-01-03 is not an as-of date"):
        forecast_prior_shift(
            history(np.zeros(3)), daily_orders(np.ones(7)), as_of=date(2023, 1, 3), horizon_days=HORIZON
        )


def test_the_interval_is_within_0_and_the_number_of_customers() -> None:
    wild = PriorShiftForecast(
        shift=0.0, sd=5.0, degrees_of_freedom=4.0, n_periods=0, has_season=False, components={}
    )
    low, high = total_interval(np.full(20, 0.5), wild)
    assert 0 <= low < 10 < high <= 20


def test_a_wider_coverage_gives_a_wider_interval() -> None:
    made = PriorShiftForecast(
        shift=0.1, sd=0.2, degrees_of_freedom=9.0, n_periods=9, has_season=False, components={}
    )
    probability = np.full(1000, 0.2)
    narrow, wide = (total_interval(probability, made, coverage=share) for share in (0.8, 0.95))
    assert wide[0] < narrow[0] < with_shift(probability, 0.1).sum() < narrow[1] < wide[1]


@pytest.mark.parametrize(
    ("first_closed", "weeks_closed", "weeks"),
    # Half a year ago for nine weeks; for a year, until eleven months ago.
    [(70, 9, 105), (52, 52, 152)],
)
def test_a_closure_of_the_past_does_not_widen_the_interval_of_an_open_shop(
    first_closed: int, weeks_closed: int, weeks: int
) -> None:
    # The fewer days of its window were open, the further a date lies below the model.
    rng, week_number = np.random.default_rng(3), np.arange(weeks)
    per_day = rng.poisson(20.0, 7 * (weeks + 5)).astype(float)
    always = forecast(per_day, rng.normal(0, 0.1, weeks))
    per_day[7 * first_closed : 7 * (first_closed + weeks_closed)] = 0.0
    is_open = per_day > 0
    open_share = np.array([is_open[7 * week : 7 * week + HORIZON].mean() for week in week_number])
    shifts = np.log(np.maximum(open_share, 0.03)) + rng.normal(0, 0.1, weeks)
    found = forecast(per_day, shifts)
    assert abs(found.shift) < 0.25
    # After a whole year without a season none is known.
    assert found.sd < (1.5 * always.sd if found.has_season else 1.01 * FIRST_SEASON_SD)
    # While it is closed its own weeks count, and nothing is certain.
    assert forecast(per_day, shifts[: first_closed + 8]).sd > 2 * found.sd
