"""Faults of features and clocks: what dbt's own tests stop, and what no test can see."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from tests.assets.faults import FAULTS, UNSEEN
from tests.warehouse.conftest import FEATURES, Line, World, create
from tests.warehouse.shop_facts import Facts

TABLE = "features.feat_customer__orders"
NEWEST = f"as_of_date = (select max(as_of_date) from {TABLE}) and customer_id = 'ann'"
PLANTED = {
    "a feature row is there twice": f"insert into {TABLE} select * from {TABLE} where {NEWEST}",
    "a feature uses facts of the morning it stands on": (
        f"update {TABLE} set newest_known_at = as_of_at where {NEWEST}"
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_false_feature_row_stops_the_build(shop: World, manifest: Any, tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    world = World(folder=tmp_path)
    shutil.copy(shop.warehouse, world.warehouse)
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute(PLANTED[name])
    with pytest.raises(AssertionError) as stopped:
        world.dbt("test", "--select", "feat_customer__orders", manifest=manifest)
    assert str(stopped.value).count(fault.words) == 1
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
    assert fault.check == UNSEEN
    columns = ["days_since_order", "orders_365d", "net_amount_365d"]
    sql = f"select customer_id, as_of_date, {', '.join(columns)} from {TABLE}"
    both = pd.merge(shop.read(sql), world.read(sql), on=["customer_id", "as_of_date"], suffixes=("", "_late"))
    differ = (both[columns].to_numpy() != both.filter(like="_late").to_numpy()).any(axis=1)
    assert 0 < differ.mean() < 0.1
