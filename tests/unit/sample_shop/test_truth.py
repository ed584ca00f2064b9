"""Simulated outcomes agree with the stated true probabilities."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from assets.sample_shop.truth import purchase_probabilities
from assets.sample_shop.world.history import population_of
from assets.sample_shop.world.orders import (
    GAINS_INTEREST,
    LOSES_INTEREST,
    ORDER_FACTORS,
    Demand,
    interest_of,
    orders_of,
)
from assets.sample_shop.world.persuasion import persuasion_of
from assets.sample_shop.world.segments import trade_by_segment
from assets.sample_shop.world.shop import InjectedFaults, Shop

SHOP = Shop(customers=3_000, first_day=date(2023, 1, 2), last_day=date(2023, 12, 31), seed=5)
# Monday 6 to Saturday 11 March 2023 are 1.25 + 1.15 + 1.10 + 1.05 + 1.00 + 0.65 = 6.2 ordinary days, with no
# season that far from Christmas; Sunday adds 0.8.
WEEK = Shop(customers=1, first_day=date(2023, 3, 6), last_day=date(2023, 3, 11))
ON_MONDAY = pd.DataFrame({"customer": [0], "day": [0], "arm": ["treated"]})
NO_SENDS = ON_MONDAY.iloc[:0]


def one_customer(
    shop: Shop,
    *,
    interested: Sequence[bool] = (False, False),
    hazard: float = 0.0,
    persuadability: float = 0.0,
    sends: pd.DataFrame = NO_SENDS,
) -> float:
    """Probability on the first as-of date for a customer with 0.1 orders per ordinary day."""
    customers = pd.DataFrame(
        {
            "customer_id": ["C1"],
            "segment": [0],
            "rate": [0.1],
            "hazard": [hazard],
            "signed_up_day": [-1],
            "lifetime": [1e6],
            "persuadability": [persuadability],
        }
    )
    demand = Demand(
        customers=customers,
        interest=np.array([interested]),
        trade=trade_by_segment(shop),
        persuasion=persuasion_of(shop, customers, sends),
    )
    truth = next(purchase_probabilities(shop, demand, horizon_days=shop.day_count))
    assert truth["as_of_date"].tolist() == [shop.first_day]
    return float(truth["probability"].iloc[0])


def test_inside_one_week_a_customer_who_cannot_stop_is_poisson() -> None:
    # 1 - exp(-0.1 * 0.4 * 6.2) = 1 - exp(-0.248) and 1 - exp(-0.1 * 2.8 * 6.2) = 1 - exp(-1.736).
    assert one_customer(WEEK, interested=(False,)) == pytest.approx(0.2196, abs=5e-5)
    assert one_customer(WEEK, interested=(True,)) == pytest.approx(0.8238, abs=5e-5)


def test_a_customer_who_may_stop_after_each_day_orders_less() -> None:
    # Two days, stopping after each with probability 1/2: no order is
    # exp(-0.1 * 0.4 * 1.25) * (0.5 * exp(-0.1 * 0.4 * 1.15) + 0.5) = 0.951229 * 0.977521 = 0.929847.
    two_days = replace(WEEK, last_day=date(2023, 3, 7))
    assert one_customer(two_days, hazard=float(np.log(2.0))) == pytest.approx(0.0702, abs=5e-5)


def test_interest_may_change_between_sunday_and_monday() -> None:
    # Keen for a week of 7.0 ordinary days, then a Monday of 1.25: keen with 0.8, calm with 0.2:
    # exp(-1.96) * (0.8 * exp(-0.35) + 0.2 * exp(-0.05)) = 0.140858 * 0.753996 = 0.106207.
    eight_days = replace(WEEK, last_day=date(2023, 3, 13))
    assert one_customer(eight_days, interested=(True, False)) == pytest.approx(0.8938, abs=5e-5)


def test_a_message_adds_orders_or_takes_them_away() -> None:
    # Persuadability 0.35 is 0.05 a day, six days inside the window: 1 - exp(-0.248 - 0.3).
    persuaded = one_customer(WEEK, persuadability=0.35, sends=ON_MONDAY)
    assert persuaded == pytest.approx(0.4219, abs=5e-5)
    # Each order is skipped with probability 1/2: 1 - exp(-0.124); two messages skip no more than one.
    twice = pd.concat([ON_MONDAY, ON_MONDAY.assign(day=1)])
    assert one_customer(WEEK, persuadability=-0.5, sends=ON_MONDAY) == pytest.approx(0.1166, abs=5e-5)
    assert one_customer(WEEK, persuadability=-0.5, sends=twice) == pytest.approx(0.1166, abs=5e-5)
    # A customer in the control arm gets no message.
    control = ON_MONDAY.assign(arm="control")
    assert one_customer(WEEK, persuadability=0.35, sends=control) == pytest.approx(0.2196, abs=5e-5)


def test_interest_leaves_the_average_rate_and_lasts_for_weeks() -> None:
    interest = interest_of(replace(SHOP, customers=20_000))
    # The stationary share of the chain is gains / (gains + loses) = 1/4, and 3/4 * 0.4 + 1/4 * 2.8 = 1.
    share = GAINS_INTEREST / (GAINS_INTEREST + LOSES_INTEREST)
    assert share == pytest.approx(0.25)
    mean = (1 - share) * ORDER_FACTORS[0] + share * ORDER_FACTORS[1]
    assert mean == pytest.approx(1.0)
    for week in (0, 51):
        assert interest[:, week].mean() == pytest.approx(0.25, abs=4 * np.sqrt(0.1875 / 20_000))
    stays = (interest[:, :-1] & interest[:, 1:]).sum() / interest[:, :-1].sum()
    assert stays == pytest.approx(1 - LOSES_INTEREST, abs=0.01)


def probabilities_and_outcomes(shop: Shop) -> pd.DataFrame:
    """True probability and outcome for every customer alive on every fifth Monday."""
    demand = population_of(shop).demand
    orders = pd.concat([orders_of(shop, demand, month) for month in shop.months])
    ordered = np.zeros((shop.customers, shop.day_count), dtype=np.bool_)
    known = orders[orders["customer"] >= 0]
    ordered[known["customer"], known["day"]] = True
    row = pd.Series(np.arange(shop.customers), index=demand.customers["customer_id"])
    parts = []
    # Windows that do not overlap, so that outcomes are independent given the probabilities.
    for truth in list(purchase_probabilities(shop, demand))[::5]:
        day = (truth["as_of_date"].iloc[0] - shop.first_day).days
        window = ordered[row[truth["customer_id"]].to_numpy(), day : day + 30]
        parts.append(truth.assign(bought=np.asarray(window.any(axis=1))))
    expected = pd.concat(parts, ignore_index=True)
    assert (expected.loc[~expected["is_alive"], "probability"] == 0).all()
    assert not expected.loc[~expected["is_alive"], "bought"].any()
    return expected[expected["is_alive"]]


def standardised_error(expected: pd.DataFrame) -> float:
    """Outcomes minus probabilities, in standard deviations of the outcomes."""
    probability = expected["probability"]
    return float((expected["bought"] - probability).sum() / np.sqrt((probability * (1 - probability)).sum()))


def test_outcomes_agree_with_the_probabilities_in_every_decile() -> None:
    expected = probabilities_and_outcomes(SHOP)
    assert len(expected) > 15_000
    deciles = expected.groupby(pd.qcut(expected["probability"], 10, labels=False))
    misses = deciles[["probability", "bought"]].apply(standardised_error)
    assert misses.abs().max() < 4
    assert abs(standardised_error(expected)) < 4
    assert deciles["probability"].mean().iloc[-1] > 10 * deciles["probability"].mean().iloc[0]


def test_the_truth_follows_a_label_drift() -> None:
    drifted = replace(SHOP, injected_faults=InjectedFaults(label_drift_from=date(2023, 7, 3)))
    expected = probabilities_and_outcomes(drifted)
    after = expected[expected["as_of_date"] >= date(2023, 7, 3)]
    assert abs(standardised_error(after)) < 4
    deciles = after.groupby(pd.qcut(after["probability"], 10, labels=False))
    assert deciles[["probability", "bought"]].apply(standardised_error).abs().max() < 4


def test_messages_change_the_expected_number_of_orders() -> None:
    shop = replace(SHOP, customers=6_000)
    population = population_of(shop)
    half, day = shop.customers // 2, 100
    customers = population.demand.customers.assign(
        signed_up_day=-1,
        lifetime=1e6,
        rate=0.05,
        persuadability=np.where(np.arange(shop.customers) < half, 0.3, -0.4),
    )
    sends = pd.DataFrame({"customer": range(shop.customers), "day": day, "arm": "treated"})
    written, quiet = (
        replace(population.demand, customers=customers, persuasion=persuasion_of(shop, customers, sent))
        for sent in (sends, NO_SENDS)
    )
    counts = []
    for demand in (written, quiet):
        orders = pd.concat([orders_of(shop, demand, month) for month in shop.months[3:4]])
        window = orders[orders["day"].between(day, day + 6) & (orders["customer"] >= 0)]
        counts.append((window["customer"] < half).value_counts())
    # 12 to 18 April 2023, no holiday: 3,000 persuadable customers bring 0.3 * 3,000 = 900 orders, with a
    # Poisson spread of 30; of the others' ordinary orders 0.4 are missing.
    assert counts[0][True] - counts[1][True] == pytest.approx(900, abs=4 * 30)
    usual = counts[1][False]
    assert counts[0][False] == pytest.approx(0.6 * usual, abs=4 * np.sqrt(0.24 * usual))
