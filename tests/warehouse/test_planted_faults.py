"""Faults of features and clocks: those that dbt tests detect, and those that no test detects."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from tests.assets.faults import FAULTS, HARMLESS, UNDETECTED
from tests.warehouse.conftest import FEATURES, Line, World, create
from tests.warehouse.shop_facts import Facts

TABLE = "features.feat_customer__orders"
NEWEST = f"as_of_date = (select max(as_of_date) from {TABLE}) and customer_id = 'ann'"
INJECTED = {
    "a feature row is duplicated": f"insert into {TABLE} select * from {TABLE} where {NEWEST}",
    "a feature uses facts of its own as-of date": (
        f"update {TABLE} set newest_known_at = as_of_at where {NEWEST}"
    ),
}


@pytest.mark.parametrize("name", INJECTED)
def test_a_false_feature_row_stops_the_build(shop: World, manifest: Any, tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    world = World(folder=tmp_path)
    shutil.copy(shop.warehouse, world.warehouse)
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute(INJECTED[name])
    with pytest.raises(AssertionError) as stopped:
        world.dbt("test", "--select", "feat_customer__orders", manifest=manifest)
    assert str(stopped.value).count(fault.message) == 1
    assert fault.check in str(stopped.value)


def test_clocks_that_are_an_hour_late_pass_every_test_and_move_few_features(
    shop: World, manifest: Any, tmp_path: Path, lines: list[Line], facts: Facts
) -> None:
    fault = FAULTS["all clocks of an export are an hour late"]
    hour = timedelta(hours=1)
    late = [
        replace(line, ordered_at=line.ordered_at + hour, known_at=line.known_at and line.known_at + hour)
        for line in lines
    ]
    world = create(tmp_path / "late", late, facts)
    # A failed test would raise.
    world.dbt("build", "--select", FEATURES, manifest=manifest)
    assert fault.check == UNDETECTED
    columns = ["days_since_order", "orders_365d", "net_amount_365d"]
    sql = f"select customer_id, as_of_date, {', '.join(columns)} from {TABLE}"
    both = pd.merge(shop.read(sql), world.read(sql), on=["customer_id", "as_of_date"], suffixes=("", "_late"))
    differ = (both[columns].to_numpy() != both.filter(like="_late").to_numpy()).any(axis=1)
    assert 0 < differ.mean() < 0.1


def test_prices_below_0_pass_every_test_and_lower_what_was_spent(
    shop: World, manifest: Any, tmp_path: Path, lines: list[Line], facts: Facts
) -> None:
    fault = FAULTS["one price in ten is below 0"]
    negated = [
        replace(line, unit_price=-line.unit_price if number % 10 == 0 else line.unit_price)
        for number, line in enumerate(lines)
    ]
    world = create(tmp_path / "discounts", negated, facts)
    # A failed test would raise.
    world.dbt("build", "--select", FEATURES, manifest=manifest)
    assert fault.check == HARMLESS
    # Money is what the lines say, and a discount is no piece of a product.
    sql = "select sum(quantity * unit_price) from raw.order_lines where not is_service"
    money = "select sum(net_amount) from intermediate.int_order__parts"
    assert world.read(money).iloc[0, 0] == pytest.approx(world.read(sql).iloc[0, 0])
    pieces = "select sum(units) from intermediate.int_order__parts"
    expected = sum(line.quantity for line in negated if line.unit_price > 0 and not line.is_service)
    assert world.read(pieces).iloc[0, 0] == expected
    assert world.read(money).iloc[0, 0] < shop.read(money).iloc[0, 0]
