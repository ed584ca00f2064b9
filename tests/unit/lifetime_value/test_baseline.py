"""The fallback of lifetime value stays near what a shop earns, whatever its customers do."""

import numpy as np
import pandas as pd
import pytest

from assets.lifetime_value.models.baseline import MOST_DAYS, RepeatSpend, most_orders
from assets.metrics.arrays import Floats

HORIZONS = (30, 90, 365)
NO_CAP = np.full(3, np.inf)


def shop(
    repeat_rates: Floats, *, seed: int = 0, days: int = 600, amount: float = 60.0
) -> tuple[pd.DataFrame, Floats]:
    """Histories of customers who order at their rates per day, and what they spend in the next windows."""
    rng = np.random.default_rng(seed)
    age = rng.integers(1, days, len(repeat_rates)).astype(np.float64)
    repeats = rng.poisson(repeat_rates * age)
    last = np.where(repeats > 0, age * rng.random(len(age)) ** (1 / np.maximum(repeats, 1)), 0.0)
    year = np.minimum(age, 365.0) / age
    orders = repeats + 1
    rows = pd.DataFrame(
        {
            "frequency": repeats, "age_days": age, "tenure_days": age, "days_since_order": age - last,
            "net_amount_lifetime": amount * orders,
            "net_amount_365d": amount * (repeats * year + (age <= 365)),
        }
    )  # fmt: skip
    active = age - last <= 180
    ahead = rng.poisson(np.outer(np.where(active, repeat_rates, 0.0), HORIZONS)) * amount
    return rows, ahead.astype(np.float64)


def test_of_a_shop_in_which_98_percent_buy_once_the_total_is_near_what_comes() -> None:
    # 2 % buy again, twice a year. Amounts per day said 330,893 for such a shop, and 2,795 came.
    rates = np.where(np.arange(20_000) % 50 == 0, 2 / 365, 0.0)
    rows, ahead = shop(rates)
    value = RepeatSpend().fit(rows, NO_CAP).predict(rows).value
    first_purchases = rows["net_amount_365d"] / rows["age_days"].clip(30, 365) * 30
    assert first_purchases[rows["days_since_order"] <= 180].sum() > 50 * ahead[:, 0].sum()
    # The active have bought more often by chance, too, so the total is somewhat too high.
    ratios = value.sum(axis=0) / ahead.sum(axis=0)
    assert (ratios > 0.8).all()
    assert (ratios < 1.5).all()
    # Who bought once a week ago is expected to spend what few of those like him do.
    new = rows["age_days"].lt(9) & rows["frequency"].eq(0)
    assert value[new, 2].max() < 10.0


def test_of_regular_customers_total_ranking_and_intervals_hold() -> None:
    rates = np.random.default_rng(1).gamma(0.8, 1 / 40.0, 4_000)
    rows, ahead = shop(rates)
    found = RepeatSpend().fit(rows, NO_CAP).predict(rows)
    assert found.value.sum(axis=0) == pytest.approx(ahead.sum(axis=0), rel=0.1)
    assert np.corrcoef(found.value[:, 1], ahead[:, 1])[0, 1] > 0.6
    held = (found.value_lo <= ahead) & (ahead <= found.value_hi)
    assert held.mean(axis=0).min() > 0.75
    assert (found.value_lo <= found.value).all()
    assert (found.value <= found.value_hi).all()
    assert (np.diff(found.value, axis=1) >= 0).all()


def test_customers_who_are_alike_have_one_rate_whatever_they_did() -> None:
    rows, _ = shop(np.full(3_000, 0.01))
    model = RepeatSpend().fit(rows, NO_CAP)
    assert model.own_days_ == MOST_DAYS
    # Of the active, who ordered a little more often than all.
    assert model.rates_ == pytest.approx(0.01, rel=0.25)


def test_the_total_is_at_most_what_the_shop_has_earned_in_such_a_window() -> None:
    rows, _ = shop(np.full(500, 0.02))
    free = RepeatSpend().fit(rows, NO_CAP).predict(rows).value
    # At most 40, 90 and 200 orders of 60 have ever come in such windows.
    model = RepeatSpend().fit(rows, np.array([40.0, 90.0, 200.0]))
    assert model.order_amount_ == pytest.approx(60.0)
    assert model.predict(rows).value.sum(axis=0) == pytest.approx([2_400.0, 5_400.0, 12_000.0])
    # One customer is scored as among all.
    assert model.predict(rows.iloc[:1]).value[0] == pytest.approx(free[0] * model.scales_)


def test_silent_customers_and_unknown_last_orders_are_worth_nothing() -> None:
    rows, _ = shop(np.full(100, 0.02))
    rows.loc[:1, "days_since_order"] = [181.0, np.nan]
    found = RepeatSpend().fit(rows, NO_CAP).predict(rows)
    assert not found.value[:2].any()
    assert not found.value_hi[:2].any()
    assert np.isnan(found.alive).all()


def test_a_shop_without_a_second_order_or_without_customers_expects_nothing() -> None:
    rows, _ = shop(np.zeros(50))
    for known in (rows, rows.head(0)):
        found = RepeatSpend().fit(known, np.zeros(3)).predict(known)
        assert not found.value.any()
        assert np.isfinite(found.value_hi).all()


def test_most_orders_of_a_window_and_of_a_history_that_is_shorter() -> None:
    # 10 on one day; 10 and 5 within six days; 20 in ten days would be 730 in a year.
    day = np.array(["2024-01-10", "2024-01-01", "2024-01-05"], dtype="datetime64[D]")
    found = most_orders(day, np.array([5.0, 10.0, 5.0]), horizons_days=(1, 6, 365))
    assert found.tolist() == [10.0, 15.0, 730.0]
    assert most_orders(day[:0], np.zeros(0), horizons_days=(30, 90)).tolist() == [0.0, 0.0]
