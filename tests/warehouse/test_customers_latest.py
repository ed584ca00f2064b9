"""The wide row of a customer, from the newest rows of every question."""

from datetime import date
from typing import Any

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def customers(shop: Any) -> pd.DataFrame:
    rows: pd.DataFrame = shop.read("select * from published.customers_latest")
    return rows.set_index("customer_id")


def test_a_row_has_the_newest_answer_to_every_question(customers: pd.DataFrame) -> None:
    bob = customers.loc["bob"]
    assert (bob["purchase_probability"], bob["churn_probability"]) == (0.1, 0.8)
    values = [bob[f"predicted_value_{days}d"] for days in (30, 90, 365)]
    assert values == pytest.approx([3.0, 9.0, 36.5])
    assert (bob["historic_value"], bob["expected_next_order_date"].date()) == (30.0, date(2024, 6, 30))
    # Of several as-of dates the newest, here that of churn and lifetime value.
    assert bob["as_of_date"].date() == date(2024, 5, 20)
    assert not bob["is_holdout"]


def test_a_question_without_a_row_for_the_customer_is_null(customers: pd.DataFrame) -> None:
    ann = customers.loc["ann"]
    assert ann["purchase_probability"] == 0.3
    assert ann[["churn_probability", "predicted_value_365d", "historic_value", "segment_rfm"]].isna().all()
    assert ann["is_already_churned"]


def test_it_has_every_customer_of_the_newest_tables_once(shop: Any, customers: pd.DataFrame) -> None:
    tables = ("purchase_propensity", "churn", "lifetime_value", "segments")
    union = " union ".join(f"select customer_id from published.{name}_latest" for name in tables)
    assert sorted(customers.index) == sorted(shop.read(union)["customer_id"])
