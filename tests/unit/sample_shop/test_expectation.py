"""Simulated orders and amounts agree with the stated expectation."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from assets.sample_shop.expectation import amounts_by_day, amounts_per_order, expected_purchases
from assets.sample_shop.world.history import months_of_orders, population_of
from assets.sample_shop.world.orders import Demand
from assets.sample_shop.world.persuasion import persuasion_of
from assets.sample_shop.world.products import CATEGORIES
from assets.sample_shop.world.segments import trade_by_segment
from assets.sample_shop.world.shop import Shop

SHOP = Shop(customers=3_000, first_day=date(2023, 1, 2), last_day=date(2023, 12, 31), seed=5)
# Monday 6 to Saturday 11 March 2023 are 1.25 + 1.15 + 1.10 + 1.05 + 1.00 + 0.65 ordinary days.
WEEK = Shop(customers=1, first_day=date(2023, 3, 6), last_day=date(2023, 3, 11))
ORDINARY = (1.25, 1.15, 1.10, 1.05, 1.00, 0.65)
NO_ORDERS = pd.DataFrame({"customer": [0], "day": [-100], "amount": [0.0]})
CONFIG = Path(__file__).parents[3] / "config"


def catalogue_of(price: float) -> pd.DataFrame:
    """One product of each category, all of one price and one affinity group, on sale from the first day."""
    return pd.DataFrame(
        {
            "category": CATEGORIES,
            "affinity_group": 0,
            "popularity": 1 / len(CATEGORIES),
            "unit_price": price,
            "launched_day": -1,
        }
    )


def of_one_customer(*, hazard: float, ordered: pd.DataFrame = NO_ORDERS) -> pd.Series:
    """Expectation for a customer with 0.1 orders per ordinary day who is not interested in this week."""
    customers = pd.DataFrame(
        {
            "customer_id": ["C1"],
            "segment": [0],
            "rate": [0.1],
            "hazard": [hazard],
            "signed_up_day": [-30],
            "lifetime": [1e6],
            "persuadability": [0.0],
            "favourite": [0],
        }
    )
    sends = pd.DataFrame({"customer": [0], "day": [0], "arm": ["treated"]}).iloc[:0]
    demand = Demand(
        customers=customers,
        interest=np.array([[False]]),
        trade=trade_by_segment(WEEK),
        persuasion=persuasion_of(WEEK, customers, sends),
    )
    (found,) = expected_purchases(
        WEEK, demand, products=catalogue_of(10.0), ordered=ordered, horizons_days=(6, 30)
    )
    assert found["horizon_days"].tolist() == [6]
    return found.iloc[0]


def test_order_days_and_amount_of_one_customer_by_hand() -> None:
    # 0.4 times the rate without interest; an order has 3.6 lines of 1 / 0.45 pieces at 10. 4 % come back
    # after 2 to 20 days: from the first four days on 4, 3, 2 and 1 of these 19 days within the window.
    means = [0.1 * 0.4 * day for day in ORDINARY]
    found = of_one_customer(hazard=0.0)
    assert found["orders"] == pytest.approx(sum(1 - np.exp(-mean) for mean in means))
    kept = [1 - 0.04 * back / 19 for back in (4, 3, 2, 1, 0, 0)]
    assert found["amount"] == pytest.approx(80 * np.dot(means, kept))


def test_each_day_fewer_customers_are_left() -> None:
    found = of_one_customer(hazard=0.2)
    days = [(1 - np.exp(-0.04 * day)) * np.exp(-0.2 * number) for number, day in enumerate(ORDINARY)]
    assert found["orders"] == pytest.approx(sum(days))


def test_returns_of_earlier_orders_lower_the_amount() -> None:
    # An order of 190 the day before: within the six days the returns of day 2 to 6, five of nineteen.
    before = pd.DataFrame({"customer": [0], "day": [-1], "amount": [190.0]})
    lower = of_one_customer(hazard=0.0)["amount"] - of_one_customer(hazard=0.0, ordered=before)["amount"]
    assert lower == pytest.approx(0.04 * 190 * 5 / 19)


def test_products_that_are_not_launched_cost_nothing() -> None:
    products = catalogue_of(10.0)
    later = products.assign(unit_price=1_000.0, launched_day=50)
    both = pd.concat([products, later], ignore_index=True)
    assert amounts_per_order(both, day=49) == pytest.approx(80.0)
    assert amounts_per_order(both, day=50) == pytest.approx(8 * 505.0)


def test_outcomes_agree_with_the_expectation() -> None:
    population = population_of(SHOP)
    months = list(months_of_orders(SHOP, population))
    ordered = pd.concat([amounts_by_day(month) for month in months], ignore_index=True)
    back = pd.concat([month.returned for month in months], ignore_index=True)
    back = back.loc[back["customer"] >= 0].assign(
        day=(back["ordered_at"].dt.normalize() - pd.Timestamp(SHOP.first_day)).dt.days,
        amount=back["quantity"] * back["unit_price"],
    )
    errors = []
    for part in expected_purchases(SHOP, population.demand, products=population.products, ordered=ordered):
        start = (part["as_of_date"].iloc[0] - SHOP.first_day).days
        end = start + part["horizon_days"].iloc[0]
        days = ordered.loc[ordered["day"].between(start, end - 1) & (ordered["customer"] < len(part))]
        returns = back.loc[back["day"].between(start, end - 1) & (back["customer"] < len(part))]
        # Order days are nearly Poisson given the state; amounts vary by about their mean per order.
        expected = part["orders"].sum()
        noise = part["amount"].sum() * np.sqrt(2.5 / expected)
        net = days["amount"].sum() + returns["amount"].sum()
        errors.append(((len(days) - expected) / np.sqrt(expected), (net - part["amount"].sum()) / noise))
    assert len(errors) == 21
    # A customer's interest lasts for weeks, which adds to the spread of longer windows.
    assert np.abs(errors).max() < 5
    assert np.abs(np.mean(errors, axis=0)).max() < 1.5


def test_the_long_shop_has_the_sources_of_the_short_one() -> None:
    short, long = (
        yaml.safe_load((CONFIG / name).read_text()) for name in ("sample_shop.yaml", "sample_shop_long.yaml")
    )
    assert long["sources"] == short["sources"]
    assert (long["holdout"], long["currency"]) == (short["holdout"], short["currency"])
