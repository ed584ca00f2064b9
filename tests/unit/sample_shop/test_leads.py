"""Leads are won as often as their stated probability says."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from assets.sample_shop.world.leads import leads_of
from assets.sample_shop.world.shop import Shop

SHOP = Shop(customers=50_000, first_day=date(2023, 1, 2), last_day=date(2024, 12, 31), seed=1)


@pytest.fixture(scope="module")
def leads() -> pd.DataFrame:
    export, truth = leads_of(SHOP, np.random.default_rng(4))
    both = export.merge(truth, on="lead_id", validate="one_to_one")
    attributes = pd.DataFrame([json.loads(text) for text in both["attributes"]])
    return pd.concat([both, attributes], axis="columns")


def with_known_outcome(leads: pd.DataFrame) -> pd.DataFrame:
    """Leads whose 90 days are over."""
    return leads[leads["created_at"] < pd.Timestamp(2024, 10, 1)]


def test_there_is_a_lead_for_every_ten_customers(leads: pd.DataFrame) -> None:
    assert len(leads) == 5_000
    assert leads["lead_id"].is_unique
    assert leads["created_at"].is_monotonic_increasing
    assert leads["created_at"].between("2023-01-02", "2024-12-31 23:59:59").all()


def test_attributes_are_json(leads: pd.DataFrame) -> None:
    wanted = {"company_size", "industry", "pages_viewed", "requested_demo", "country"}
    assert all(set(json.loads(text)) == wanted for text in leads["attributes"])
    assert leads["company_size"].min() >= 1
    assert leads["requested_demo"].dtype == bool


@pytest.mark.parametrize("half", ["unlikely", "likely"])
def test_leads_are_won_as_often_as_stated(leads: pd.DataFrame, half: str) -> None:
    of_half = with_known_outcome(leads)
    above = of_half["probability"] > of_half["probability"].median()
    of_half = of_half[above if half == "likely" else ~above]
    # Independent leads: the sum has variance sum p (1 - p).
    error = np.sqrt((of_half["probability"] * (1 - of_half["probability"])).sum())
    assert abs(of_half["won_at"].notna().sum() - of_half["probability"].sum()) < 4 * error


def test_a_lead_is_won_five_to_ninety_days_later_or_still_open(leads: pd.DataFrame) -> None:
    won = leads[leads["won_at"].notna()]
    days = (won["won_at"].dt.normalize() - won["created_at"].dt.normalize()).dt.days
    assert days.between(5, 90).all()
    assert won["won_at"].max() < pd.Timestamp(2025, 1, 1)
    last_month = leads[leads["created_at"] >= "2024-12-01"]
    assert last_month["won_at"].notna().mean() < 0.5 * last_month["probability"].mean()


def test_a_demonstration_multiplies_the_odds_as_stated(leads: pd.DataFrame) -> None:
    # Everything else is drawn apart from it, and exp(1.3) = 3.7 within each; in the whole a little less.
    odds = {}
    for of_half, some in with_known_outcome(leads).groupby("requested_demo"):
        rate = some["won_at"].notna().mean()
        odds[of_half] = rate / (1 - rate)
    # Standard error of the log of the ratio, from 4 counts of at least 400: at most sqrt(4 / 400) = 0.1.
    assert abs(np.log(odds[True] / odds[False]) - 1.25) < 4 * 0.1


def test_only_won_leads_have_an_amount_and_larger_companies_spend_more(leads: pd.DataFrame) -> None:
    assert (leads["won_amount"].notna() == leads["won_at"].notna()).all()
    won = leads[leads["won_at"].notna()]
    slope = np.polyfit(np.log(won["company_size"] / 25), np.log(won["won_amount"]), deg=1)
    # log amount = log 600 + 0.6 log(size / 25) + noise of 0.6: with about 1,100 won leads and a spread of 1.2
    # in log size the slope's standard error is 0.6 / (1.2 * 33) = 0.015, the intercept's 0.6 / 33 = 0.018.
    assert abs(slope[0] - 0.6) < 4 * 0.015
    assert abs(slope[1] - np.log(600)) < 4 * 0.018


def test_a_tiny_shop_has_a_lead_too() -> None:
    shop = Shop(customers=1, first_day=date(2023, 1, 2), last_day=date(2023, 1, 2))
    export, truth = leads_of(shop, np.random.default_rng(1))
    assert len(export) == len(truth) == 1


def test_equal_seeds_give_equal_leads() -> None:
    first, again = (leads_of(SHOP, np.random.default_rng(4))[0] for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
