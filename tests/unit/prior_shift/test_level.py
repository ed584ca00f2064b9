"""The level of a shop: right under a planted season, and nothing without a known year."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from assets.prior_shift.level import SD_WITHOUT_SEASON, LevelForecast, TotalHistory, forecast_level
from assets.prior_shift.trading_days import DailyOrders

FIRST = np.datetime64("2022-01-03")
LENGTH = 1_400
HORIZON_DAYS = 28


def planted(*, start: int = 0) -> np.ndarray:
    """Orders per day: 20 in one half of the year and 40 in the other; none before ``start``."""
    day = np.arange(LENGTH)
    return np.where(day % 364 < 182, 20.0, 40.0) * (day >= start)


def forecast(
    orders: np.ndarray, now: int, *, expected_per_day: float = 30.0, horizon_days: int = HORIZON_DAYS
) -> LevelForecast:
    """The level on day ``now`` for a model that expects the same orders on every day."""
    on = np.arange(now % 28, now + 1, 28)
    sums = [orders[day : day + horizon_days].sum() for day in on]
    observed = np.where(on + horizon_days <= now, sums, np.nan)
    history = TotalHistory(
        as_of_date=FIRST + on,
        expected=np.full(on.size, horizon_days * expected_per_day),
        observed=observed,
    )
    days = FIRST + np.arange(LENGTH)
    daily = DailyOrders(day=days, orders=orders, repeat_orders=orders)
    return forecast_level(history, daily, as_of=pd.Timestamp(FIRST + now).date(), horizon_days=horizon_days)


# 2 whole years and two months, four, seven, ten: in the middle of a half and at its turn.
@pytest.mark.parametrize("now", [790, 840, 910, 1_000, 1_090])
def test_the_level_makes_the_total_right_under_a_planted_season(now: int) -> None:
    orders, found = planted(), forecast(planted(), now)
    total = 30.0 * HORIZON_DAYS * np.exp(found.log_level)
    assert found.has_season
    assert total == pytest.approx(orders[now : now + HORIZON_DAYS].sum(), rel=0.08)


@pytest.mark.parametrize(("factor", "weeks"), [(0.4, 5), (0.4, 8), (2.5, 5)])
def test_the_level_follows_a_break_of_some_weeks(factor: float, weeks: int) -> None:
    # In the middle of a half: what the season says of the coming window is 1.
    now, orders = 840, planted()
    orders[now - 7 * weeks :] *= factor
    total = 30.0 * HORIZON_DAYS * np.exp(forecast(orders, now).log_level)
    assert total == pytest.approx(orders[now : now + HORIZON_DAYS].sum(), rel=0.15)


def test_days_after_the_date_are_not_known() -> None:
    changed = planted()
    changed[800:] *= 5
    assert forecast(changed, 800) == forecast(planted(), 800)


@pytest.mark.parametrize("now", [91, 200, 363])
def test_without_a_known_year_nothing_is_applied(now: int) -> None:
    found = forecast(planted(), now, expected_per_day=10.0)
    assert (found.log_level, found.has_season) == (0.0, False)
    assert found.sd == SD_WITHOUT_SEASON


def test_to_a_year_that_holds_every_season_once_the_growth_of_the_shop_is_not_applied() -> None:
    # Three times as many orders each year, all of them by new customers: the model's own stay as they are.
    grown = planted() * 3.0 ** (np.arange(LENGTH) / 364)
    assert forecast(grown, 1_090).log_level > 0.1
    found = forecast(grown, 1_090, horizon_days=365)
    assert (found.log_level, found.has_season) == (0.0, False)


def test_a_year_errs_as_the_years_that_have_ended() -> None:
    right = forecast(planted(), 1_090, horizon_days=365)
    twice = forecast(planted(), 1_090, horizon_days=365, expected_per_day=60.0)
    # Every 28 days from day 26 to 698, where a year ended by day 1,090: 25. ln 2 is off in each.
    assert right.n_periods == twice.n_periods == 25
    assert right.sd + 0.1 < twice.sd < np.log(2)
    assert forecast(planted(), 360, horizon_days=365).sd == SD_WITHOUT_SEASON


def test_where_data_begin_in_last_years_window_both_years_are_measured_alike() -> None:
    # Orders begin ten days before the low half of the year: a year later the peak's last weeks must not be
    # compared with a season that only knows those ten days and what followed.
    orders = planted(start=354)
    found = forecast(orders, 364 + 364)
    assert found.has_season
    assert 30.0 * HORIZON_DAYS * np.exp(found.log_level) == pytest.approx(20.0 * HORIZON_DAYS, rel=0.2)


def test_a_date_that_is_not_the_last_of_the_history_is_refused() -> None:
    with pytest.raises(ValueError, match="is not the last as-of date"):
        forecast_level(
            TotalHistory(as_of_date=FIRST + np.arange(2), expected=np.ones(2), observed=np.ones(2)),
            DailyOrders(day=FIRST + np.arange(2), orders=np.ones(2), repeat_orders=np.ones(2)),
            as_of=date(2024, 1, 1),
            horizon_days=28,
        )
