"""The first January of a shop: its interval covers what happens, although no season is known."""

from datetime import date

import numpy as np
import pandas as pd

from assets.metrics.arrays import Floats
from assets.metrics.classification import intercept_shift
from assets.prior_shift.covariates import PeriodHistory
from assets.prior_shift.forecast import FIRST_SEASON_SD, forecast_prior_shift, total_interval
from assets.prior_shift.trading_days import DailyOrders
from assets.sample_shop.world.history import population_of
from assets.sample_shop.world.orders import orders_of
from assets.sample_shop.world.shop import Shop
from assets.supervised.fitting.baseline import RecencyBands

FIRST_DAY, NEW_YEAR = date(2023, 1, 2), date(2024, 1, 1)
HORIZON_DAYS, FIRST_WEEK = 30, 13
SEEDS = range(20)


def orders_of_shop(seed: int) -> tuple[pd.DataFrame, Shop]:
    """Day and customer of every order of a year and of the January after it."""
    shop = Shop(customers=1_000, first_day=FIRST_DAY, last_day=date(2024, 2, 4), seed=seed)
    demand = population_of(shop).demand
    orders = pd.concat([orders_of(shop, demand, month) for month in shop.months])
    return orders.loc[orders["customer"] >= 0, ["day", "customer"]], shop


def cohort(orders: pd.DataFrame, day: int) -> tuple[pd.DataFrame, Floats]:
    """Days since the last order before ``day``, and who orders in the horizon from then on."""
    last = orders.loc[orders["day"] < day].groupby("customer")["day"].max()
    window = orders["day"].between(day, day + HORIZON_DAYS - 1)
    bought = last.index.isin(orders.loc[window, "customer"]).astype(np.float64)
    return pd.DataFrame({"days_since_order": (day - last).to_numpy(dtype=np.float64)}), bought


def daily_orders(orders: pd.DataFrame, shop: Shop) -> DailyOrders:
    is_repeat = orders["day"] > orders.groupby("customer")["day"].transform("min")
    counts = [
        np.bincount(orders.loc[rows, "day"], minlength=shop.day_count) for rows in (is_repeat, ~is_repeat)
    ]
    days = np.datetime64(FIRST_DAY, "D") + np.arange(shop.day_count)
    return DailyOrders(day=days, orders=sum(counts).astype(float), repeat_orders=counts[0].astype(float))


def is_covered(seed: int) -> bool:
    """Whether the interval stated on 1 January holds the buyers of January."""
    orders, shop = orders_of_shop(seed)
    as_of = (NEW_YEAR - FIRST_DAY).days
    days = range(7 * FIRST_WEEK, as_of + 1, 7)
    cohorts = [cohort(orders, day) for day in days]
    matured = [each for day, each in zip(days, cohorts, strict=True) if day + HORIZON_DAYS <= as_of]
    model = RecencyBands().fit(
        pd.concat([rows for rows, _ in matured]), np.concatenate([bought for _, bought in matured])
    )
    predicted = [model.predict_proba(rows)[:, 1] for rows, _ in cohorts]
    known = PeriodHistory(
        as_of_date=np.datetime64(FIRST_DAY, "D") + np.asarray(days),
        customers=np.array([float(len(rows)) for rows, _ in cohorts]),
        expected=np.array([each.mean() for each in predicted]),
        shift=np.array(
            [
                intercept_shift(each, bought.mean())
                for each, (_, bought) in zip(predicted, cohorts, strict=True)
            ]
        ),
    )
    made = forecast_prior_shift(known, daily_orders(orders, shop), as_of=NEW_YEAR, horizon_days=HORIZON_DAYS)
    assert not made.has_season
    assert made.sd >= FIRST_SEASON_SD
    low, high = total_interval(predicted[-1], made)
    return bool(low <= cohorts[-1][1].sum() <= high)


def test_the_first_january_is_covered_in_nine_of_ten_shops() -> None:
    assert np.mean([is_covered(seed) for seed in SEEDS]) >= 0.9
