"""Customers answer to each purpose at sign-up, and some change their answer later."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from assets.sample_shop.messages.consents import ADVERTISING, PROFILING, Purpose, answers_to, consents_of
from assets.sample_shop.world.shop import Shop

COUNT = 10_000
SHOP = Shop(customers=COUNT, first_day=date(2023, 1, 2), last_day=date(2024, 12, 31), seed=3)
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": [f"C{number:05d}" for number in range(COUNT)],
        "signed_up_day": np.sort(np.random.default_rng(1).integers(-365, SHOP.day_count, size=COUNT)),
        "signed_up_second": 5 * 3600,
    }
)
FIRST_MIDNIGHT = pd.Timestamp(SHOP.first_day)


@pytest.fixture(scope="module")
def consents() -> pd.DataFrame:
    return consents_of(SHOP, CUSTOMERS, np.random.default_rng(2))


def first_answers(consents: pd.DataFrame, purpose: Purpose) -> pd.DataFrame:
    of_purpose = consents[consents["purpose"] == purpose.name]
    return of_purpose.drop_duplicates("customer_id").set_index("customer_id").loc[CUSTOMERS["customer_id"]]


@pytest.mark.parametrize("purpose", [ADVERTISING, PROFILING], ids=lambda purpose: purpose.name)
def test_everyone_answers_at_sign_up(consents: pd.DataFrame, purpose: Purpose) -> None:
    first = first_answers(consents, purpose)
    signed_up = FIRST_MIDNIGHT + pd.to_timedelta(CUSTOMERS["signed_up_day"], unit="D") + pd.Timedelta(hours=5)
    assert (first["recorded_at"].to_numpy() == signed_up.to_numpy()).all()


@pytest.mark.parametrize(
    # Standard errors with 10,000 customers: sqrt(0.7 * 0.3 / 10,000) and sqrt(0.9 * 0.1 / 10,000).
    ("purpose", "expected", "error"),
    [(ADVERTISING, 0.70, 0.0046), (PROFILING, 0.90, 0.0030)],
)
def test_most_customers_consent(
    consents: pd.DataFrame, purpose: Purpose, expected: float, error: float
) -> None:
    assert abs(first_answers(consents, purpose)["is_granted"].mean() - expected) < 4 * error


def test_a_later_answer_is_the_opposite_of_the_one_before(consents: pd.DataFrame) -> None:
    ordered = consents.sort_values(["customer_id", "purpose", "recorded_at"])
    same = ordered[["customer_id", "purpose"]].eq(ordered[["customer_id", "purpose"]].shift()).all(axis=1)
    assert same.sum() > 500
    assert (ordered["is_granted"] != ordered["is_granted"].shift())[same].all()
    assert ordered.groupby(["customer_id", "purpose"]).size().max() == 3


def test_answers_change_inside_the_shops_days(consents: pd.DataFrame) -> None:
    later = consents[consents.duplicated(["customer_id", "purpose"])]
    assert later["recorded_at"].min() >= FIRST_MIDNIGHT
    assert later["recorded_at"].max() < pd.Timestamp(2025, 1, 1)


def test_some_withdraw(consents: pd.DataFrame) -> None:
    # Of the customers who signed up before the first day and allowed advertising (about
    # 10,000 * 365 / 1095 * 0.7 = 2,333), 15 % change, and 1 - exp(-729 / 300) = 91.2 % of these within the
    # shop's days: 13.7 %, standard error 0.71 %.
    of_purpose = consents[consents["purpose"] == "advertising"]
    answers = of_purpose.groupby("customer_id")["is_granted"].agg(["first", "size"])
    old = CUSTOMERS.loc[CUSTOMERS["signed_up_day"] < 0, "customer_id"]
    granted_first = answers.loc[old][answers.loc[old, "first"]]
    assert abs((granted_first["size"] > 1).mean() - 0.137) < 4 * 0.0071


def test_campaigns_use_the_exported_answers(consents: pd.DataFrame) -> None:
    day = 400
    of_purpose = consents[consents["purpose"] == "advertising"]
    midnight = FIRST_MIDNIGHT + pd.Timedelta(days=day)
    known = of_purpose[of_purpose["recorded_at"] < midnight].drop_duplicates("customer_id", keep="last")
    # A change on the day itself means that consent was not given throughout the day.
    changed_today = of_purpose.loc[
        of_purpose["recorded_at"].between(midnight, midnight + pd.Timedelta(days=1)), "customer_id"
    ]
    is_granted = CUSTOMERS["customer_id"].isin(known.loc[known["is_granted"], "customer_id"])
    is_granted &= ~CUSTOMERS["customer_id"].isin(changed_today)
    allowed = answers_to(ADVERTISING, SHOP, CUSTOMERS).granted_throughout(day)
    signed_up = (CUSTOMERS["signed_up_day"] < day).to_numpy()
    assert (allowed[signed_up] == is_granted[signed_up]).all()
    assert len(changed_today) > 0


def test_the_same_shop_gets_the_same_answers(consents: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(consents_of(SHOP, CUSTOMERS, np.random.default_rng(2)), consents)
