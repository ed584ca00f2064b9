"""After ``make rebuild`` the same exports give the same rows, and an erased customer does not come back."""

from pathlib import Path

import pandas as pd
import pytest

from assets.keys import ERASURES
from orchestration.cli.privacy.erase import Named, erase_requested
from orchestration.cli.rebuild import rebuild
from orchestration.settings import Settings
from tests.warehouse.erasure_shop import ANN, BOB, Shop

TABLES = ("order_lines", "customers", "events")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "sample_shop")
    erase_requested(
        Settings(var_dir=tmp_path), made.business, made.warehouse, made.vault, named=Named(ids=(ANN,))
    )
    # The source delivers its exports again, with the erased customer in them.
    made.deliver()
    made.load_sources()
    return made


def landed(shop: Shop) -> dict[str, pd.DataFrame]:
    return {table: shop.warehouse.read(f"select * from raw.{table} order by all") for table in TABLES}


def test_a_rebuilt_warehouse_has_the_same_rows_and_the_erased_stay_erased(shop: Shop, tmp_path: Path) -> None:
    before, proof = landed(shop), shop.warehouse.read(f"select * from {ERASURES.sql}")
    assert set(before["order_lines"]["customer_id"]) == {BOB}
    rebuild(Settings(var_dir=tmp_path))
    shop.load_sources()
    after = landed(shop)
    assert {table: len(rows) for table, rows in after.items()} == {
        "order_lines": 1,
        "customers": 1,
        "events": 2,
    }
    for table, rows in before.items():
        pd.testing.assert_frame_equal(after[table], rows)
    assert shop.vault.erased("customer_id", [ANN, BOB]) == {ANN}
    assert len(proof) > 0
    pd.testing.assert_frame_equal(shop.warehouse.read(f"select * from {ERASURES.sql}"), proof)
