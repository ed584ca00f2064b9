"""Rejected rows belong to the person of their id columns: erasure and access find these and no others."""

from pathlib import Path

import pytest

from assets.privacy.erasure.erase import erase
from assets.privacy.known_ids import known_ids
from assets.privacy.pii_scan import scan
from assets.privacy.subject_access import subject
from tests.warehouse.erasure_shop import ANN, BOB, ORDERS, Shop

HEADER = "order,customer,at,sku,pieces,price\n"


def orders(*rows: str) -> str:
    return HEADER + "".join(f"{row}\n" for row in rows)


def rejects(shop: Shop, columns: str = "customer_id, raw_text is not null") -> list[tuple[object, ...]]:
    return shop.rows(f"select {columns} from raw.rejects order by source_line")


def test_a_reject_has_the_ids_of_its_row_and_an_unsplit_line_has_none(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path, orders=orders(f"O1, {ANN} ,2024-01-01,tea,many,1", "O2,,2024-01-01,tea,x,1", f"O3,{ANN}")
    )
    assert rejects(shop, "source_line, customer_id, visitor_id") == [
        (2, ANN, None),
        (3, None, None),
        (4, None, None),
    ]


def test_rows_rejected_as_redelivered_or_erased_keep_no_id_of_the_erased(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "ours", files=tmp_path / "theirs")
    erase(shop.scope, [ANN])
    shop.load_sources()
    # Somebody else's files still have the rows: they are rejected without text and without id.
    assert len(rejects(shop)) == 7
    assert {*rejects(shop)} == {(None, False)}


def test_erasing_a_short_id_leaves_the_rejects_of_others(tmp_path: Path) -> None:
    rows = [
        f"O{n},{each},2024-01-01,tea,1,x"
        for n, each in enumerate(["1", "x' or '1'='1", "11", "2023", "C-1", ""])
    ]
    shop = Shop(tmp_path, orders=orders(*rows, "O9,2,2024-01-01,tea,1,1"))
    assert len(rejects(shop)) == 6
    done = erase(shop.scope, ["1"])
    assert done.rows_removed == 1
    assert rejects(shop) == [
        ("x' or '1'='1", True),
        ("11", True),
        ("2023", True),
        ("C-1", True),
        (None, True),
    ]
    # The counts of the load log would be those of before: the table is loaded again.
    assert shop.rows("select count(*) from raw.load_log where table_name = 'order_lines'") == [(0,)]
    shop.load_sources()
    assert shop.rows("select rows_in, rows_rejected from raw.load_log where source = 'orders'") == [(6, 5)]


@pytest.mark.parametrize("name", ['O"Brien-777', "back\\slash-99", "Smith, John", "Zoë Ångström"])
def test_rejects_of_ids_that_json_escapes_are_erased(tmp_path: Path, name: str) -> None:
    cell = '"' + name.replace('"', '""') + '"'
    shop = Shop(tmp_path, orders=orders(f"O1,{cell},2024-01-01,tea,many,1", f"O2,{BOB},2024-01-01,tea,1,1"))
    assert rejects(shop) == [(name, True)]
    export = subject(name, warehouse=shop.warehouse, vault=shop.vault, snapshot=tmp_path / "none")
    assert [row["reason"] for row in export["delivered"]["rejects"]] == ["quantity 'many' is not a number"]
    erase(shop.scope, [name])
    assert rejects(shop) == []


def test_a_reject_of_somebody_else_that_quotes_the_id_loses_its_text_only(tmp_path: Path) -> None:
    lines = [
        f"O1,{BOB},2024-01-01,tea,{ANN},1",
        f"{ANN},{BOB},2024-01-01,tea,x,1",
        f"O4,{BOB}",
        f"O2,{ANN},2024-01-01,tea,1,1",
    ]
    shop = Shop(tmp_path, orders=orders(*lines))
    # What lies in the landing folder is not the subject here.
    (shop.landing / "orders.csv").write_text(orders(f"O2,{BOB},2024-01-01,tea,1,1"))
    erase(shop.scope, [ANN])
    assert rejects(shop) == [(BOB, False), (BOB, False), (None, False)]
    assert scan([tmp_path / "warehouse.duckdb"], [ANN]).hits == {}


def test_an_access_request_has_rejects_and_mixes_no_customer_with_a_device(tmp_path: Path) -> None:
    shop = Shop(tmp_path, orders=ORDERS.replace(BOB, "V-FAMILY") + f"O8,{BOB},2024-01-01,tea,x,1\n")
    export = subject("V-FAMILY", warehouse=shop.warehouse, vault=shop.vault, snapshot=tmp_path / "none")
    assert {table: len(rows) for table, rows in export["delivered"].items()} == {"order_lines": 1}
    export = subject(BOB, warehouse=shop.warehouse, vault=shop.vault, snapshot=tmp_path / "none")
    assert {table: len(rows) for table, rows in export["delivered"].items()} == {
        "customers": 1, "events": 1, "rejects": 1,
    }  # fmt: skip


def test_an_id_that_only_a_reject_has_is_known(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path, orders=orders("O1,7,2024-01-01,tea,many,1", "O2,LONG-ID-7", f"O3,{BOB},2024-01-01,tea,1,1")
    )
    asked = ["7", "LONG-ID-7", "8", "LONG-ID-8"]
    assert known_ids(asked, business=shop.business, warehouse=shop.warehouse, vault=shop.vault) == {
        "7",
        "LONG-ID-7",
    }


def test_rejects_of_older_code_are_emptied_and_loaded_again(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    with shop.warehouse.connect() as connection:
        connection.execute("alter table raw.rejects drop column customer_id")
        connection.execute("alter table raw.rejects drop column visitor_id")
    erase(shop.scope, [ANN])
    assert rejects(shop) == []
    shop.load_sources()
    assert shop.rows("select customer_id from raw.order_lines") == [(BOB,)]
    assert scan([tmp_path], [ANN], beside=[shop.vault.file]).hits == {}
