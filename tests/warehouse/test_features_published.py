"""What consumers get from the scores, and that a false number does not reach them."""

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest


def test_latest_has_one_row_per_customer_the_newest(shop: Any) -> None:
    # Ann was scored on 13 and 20 May, Bob on 13 May only.
    latest = shop.read("select * from published.purchase_propensity_latest order by customer_id")

    assert list(latest["customer_id"]) == ["ann", "bob"]
    assert list(latest["as_of_date"]) == [pd.Timestamp("2024-05-20"), pd.Timestamp("2024-05-13")]
    assert list(latest["probability"]) == [0.3, 0.1]


def test_a_probability_above_one_stops_the_build(shop: Any, manifest: Any, tmp_path: Path) -> None:
    world = type(shop)(folder=tmp_path)
    shutil.copy(shop.warehouse, world.warehouse)
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute(
            "update ml.purchase_propensity__scores set probability = 1.5 where probability = 0.3"
        )

    with pytest.raises(AssertionError, match="probabilities_lie_between_0_and_1"):
        world.dbt("build", "--select", "purchase_propensity+", manifest=manifest)


def test_who_is_gone_is_published_without_a_probability(shop: Any) -> None:
    for table in ("churn", "churn_latest"):
        rows = shop.read(f"select * from published.{table} order by customer_id").set_index("customer_id")
        assert list(rows["is_eligible"]) == [False, True]
        assert rows.loc["ann", "ineligible_reason"] == "already_churned"
        assert pd.isna(rows.loc["ann", ["probability", "decile", "tier", "lift"]]).all()
        assert rows.loc["bob", "probability"] == 0.8


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ("probability = 0.9 where customer_id = 'ann'", "only_the_eligible_have_a_probability"),
        ("probability = null where customer_id = 'bob'", "only_the_eligible_have_a_probability"),
        ("tier = 'high' where customer_id = 'ann'", "only_the_eligible_have_a_probability"),
        ("ineligible_reason = null where customer_id = 'ann'", "only_the_ineligible_have_a_reason"),
    ],
)
def test_a_probability_of_somebody_who_is_not_asked_about_stops_the_build(
    shop: Any, manifest: Any, tmp_path: Path, change: str, check: str
) -> None:
    world = type(shop)(folder=tmp_path)
    shutil.copy(shop.warehouse, world.warehouse)
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute(f"update ml.churn__scores set {change}")

    with pytest.raises(AssertionError, match=check):
        world.dbt("build", "--select", "churn", manifest=manifest)


def test_an_amount_below_zero_stops_the_build(shop: Any, manifest: Any, tmp_path: Path) -> None:
    world = type(shop)(folder=tmp_path)
    shutil.copy(shop.warehouse, world.warehouse)
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute(
            "insert into ml.lifetime_value__scores by name select 'ann' as customer_id,"
            " date '2024-05-20' as as_of_date, 90 as horizon_days, -1.0 as predicted_value"
        )

    with pytest.raises(AssertionError, match="amounts_are_not_negative"):
        world.dbt("build", "--select", "lifetime_value+", manifest=manifest)
