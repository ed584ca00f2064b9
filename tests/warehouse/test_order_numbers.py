"""An order is more than its number: whose it is, and which files deliver parts of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pytest

from tests.warehouse import ugly
from tests.warehouse.test_shaping import load
from tests.warehouse.test_ugly_files import SETTINGS
from tests.warehouse.ugly import cells

SHOPS: tuple[dict[str, object], ...] = tuple(
    {"name": name, "files": f"{{landing_dir}}/{name}*", "columns": ugly.COLUMNS}
    for name in ("shop_a", "shop_b")
)
ONE = SHOPS[:1]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=SETTINGS) as opened:
        yield opened


def deliver(folder: Path, name: str, *lines: str) -> None:
    (folder / f"{name}.csv").write_bytes(ugly.text(*lines))


def orders(connection: duckdb.DuckDBPyConnection) -> list[tuple[str | None, float]]:
    """Customer and amount of each order, in the order of customers and amounts."""
    found = connection.execute(
        "select max(customer_id), sum(quantity * unit_price) from raw.order_lines group by order_id "
        "order by 1, 2"
    )
    return found.fetchall()


def readings(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return dict(connection.execute("select reading, orders from raw.order_readings").fetchall())


def test_a_refund_under_the_order_number_in_another_source_is_part_of_the_order(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(
        tmp_path, "shop_a", cells(sku="A", price="100"), cells(sku="B", qty="2", price="30"), cells("2", "C2")
    )
    deliver(tmp_path, "shop_b", cells(when="2023-01-20", sku="B", qty="-1", price="30"))
    load(connection, tmp_path, *SHOPS)
    # 100 + 2 * 30 - 30.
    assert orders(connection) == [("C1", 130.0), ("C2", 2.5)]
    assert readings(connection) == {"one order in parts": 1}


def test_numbers_of_two_shops_and_of_a_till_that_begins_again_are_different_orders(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(tmp_path, "shop_a_1", cells("1", "A1"), cells("2", "A2"))
    deliver(tmp_path, "shop_a_2", cells("1", "A3"), cells("3", "A4"))
    deliver(tmp_path, "shop_b", cells("1", "B1"))
    load(connection, tmp_path, *SHOPS)
    assert orders(connection) == [(customer, 2.5) for customer in ("A1", "A2", "A3", "A4", "B1")]
    assert readings(connection) == {"several orders": 1}
    numbers = connection.execute("select order_id from raw.order_lines where customer_id in ('A2', 'A4')")
    assert numbers.fetchall() == [("2",), ("3",)]


def test_parts_of_one_export_that_share_no_line_are_added(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(tmp_path, "shop_a_1", cells(sku="A", price="10"))
    deliver(tmp_path, "shop_a_2", cells(sku="B", price="40"))
    load(connection, tmp_path, *ONE)
    assert orders(connection) == [("C1", 50.0)]


@pytest.mark.parametrize("again", ["the line", "a corrected line", "the line in another source"])
def test_a_later_delivery_of_an_order_replaces_it(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, again: str
) -> None:
    deliver(tmp_path, "shop_a_1", cells(sku="A", price="10"), cells(sku="B", price="40"))
    quantity = "3" if again == "a corrected line" else "1"
    name = "shop_b" if again == "the line in another source" else "shop_a_2"
    deliver(tmp_path, name, cells(sku="A", qty=quantity, price="10"))
    load(connection, tmp_path, *(SHOPS if name == "shop_b" else ONE))
    assert orders(connection) == [("C1", 10.0 * float(quantity))]
    assert readings(connection) == {"replaced by a later file": 1}


def test_files_that_hold_whole_orders_replace_them_whichever_lines_they_have(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(tmp_path, "shop_a_1", cells(sku="A", price="10"))
    deliver(tmp_path, "shop_a_2", cells(sku="B", price="40"))
    load(connection, tmp_path, {**ONE[0], "whole_orders": True})
    assert orders(connection) == [("C1", 40.0)]


def test_a_line_without_customer_belongs_to_the_customer_of_its_file_or_source(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(tmp_path, "shop_a_1", cells(customer="A", price="10"), cells(customer="", sku="t", price="1"))
    deliver(tmp_path, "shop_a_2", cells(customer="", sku="u", price="2"))
    deliver(tmp_path, "shop_b", cells(customer="B", price="20"), cells("7", "", price="70"))
    load(connection, tmp_path, *SHOPS)
    assert orders(connection) == [("A", 13.0), ("B", 20.0), (None, 70.0)]


# Number 1 of one customer in three files of two sources, in each another product.
@pytest.mark.parametrize(
    ("scope", "amounts"),
    [
        (None, [7.0]),
        ("customer", [7.0]),
        ("business", [7.0]),
        ("source", [3.0, 4.0]),
        ("file", [1.0, 2.0, 4.0]),
    ],
)
def test_the_scope_says_where_a_number_is_one_order(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, scope: str | None, amounts: Sequence[float]
) -> None:
    for name, price in (("shop_a_1", "1"), ("shop_a_2", "2"), ("shop_b", "4")):
        deliver(tmp_path, name, cells(sku=name, price=price))
    load(connection, tmp_path, *SHOPS, order_scope=scope)
    assert [amount for _, amount in orders(connection)] == amounts


def test_in_a_business_wide_scope_a_number_is_one_order_of_two_customers(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(tmp_path, "shop_a_1", cells(customer="A", price="10"))
    deliver(tmp_path, "shop_a_2", cells(customer="B", price="20"))
    load(connection, tmp_path, *ONE, order_scope="business")
    assert connection.execute("select customer_id, order_id from raw.order_lines").fetchall() == [("B", "1")]


@pytest.mark.parametrize("last", [cells("1", "A3"), cells("1", "A1", sku="x"), cells("5", "A3")])
def test_files_one_by_one_give_what_all_at_once_give(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, last: str
) -> None:
    def rows() -> Sequence[object]:
        return connection.execute("select * from raw.order_lines order by all").fetchall()

    deliver(tmp_path, "shop_a_1", cells("1", "A1"), cells("2", "A2"))
    deliver(tmp_path, "shop_a_2", cells("1", "A2"))
    load(connection, tmp_path, *ONE)
    deliver(tmp_path, "shop_a_3", last)
    load(connection, tmp_path, *ONE)
    one_by_one, counted = rows(), readings(connection)
    connection.execute("delete from raw.load_log")
    load(connection, tmp_path, *ONE)
    assert rows() == one_by_one
    assert readings(connection) == counted
