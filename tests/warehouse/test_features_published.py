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


@pytest.mark.parametrize(
    ("table", "scores", "key"),
    [
        ("purchase_propensity", "purchase_propensity__scores", "'run' as run_id"),
        ("churn", "churn__scores", "'run' as run_id"),
        ("lifetime_value", "lifetime_value__scores", "unnest([30, 90]) as horizon_days"),
        ("segments", "segments__scores", "unnest(['rfm', 'behaviour']) as scheme"),
    ],
)
@pytest.mark.parametrize("reason", ["null", "'withheld_slice: recency = over 365 days'"])
def test_latest_drops_withdrawn_consent_and_marks_withheld_scores(
    shop: Any, manifest: Any, tmp_path: Path, table: str, scores: str, key: str, reason: str
) -> None:
    world = type(shop)(folder=tmp_path)
    shutil.copy(shop.warehouse, world.warehouse)
    with duckdb.connect(str(world.warehouse)) as connection:
        # Both were scored on 13 May. By 20 May Ann has withdrawn her consent and new scores were withheld.
        connection.execute(f"delete from ml.{scores}")
        connection.execute(
            f"insert into ml.{scores} by name select customer_id, {key}, date '2024-05-13' as as_of_date,"
            f" '{table}' as model_name, {reason} is null as is_eligible, {reason} as ineligible_reason,"
            " 'ok' as status from (values ('ann'), ('bob')) as customers (customer_id)"
        )
        connection.execute(
            "update point_in_time.pit_customer__cohort set ineligible_reason = 'no_consent'"
            " where customer_id = 'ann' and as_of_date = '2024-05-20'"
        )
        connection.execute(
            f"insert into ml.retrain_log by name select '{table}' as model_name, 'withhold' as decision,"
            " date '2024-05-20' as as_of_date"
        )

    world.dbt("run", "--select", f"{table}+", manifest=manifest)

    latest = world.read(f"select * from published.{table}_latest")
    assert set(latest["customer_id"]) == {"bob"}
    assert set(latest["status"]) == {"withheld_by_gate"}


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
