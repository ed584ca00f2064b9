"""Rows that cannot be taken as they are: bounds, currencies and guests, and how the YAML changes them."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from assets.ingest.config.business import BusinessConfig, BusinessInvalid, business_from
from assets.ingest.loading.load import load_sources
from checks.data.plausibility import plausibility_invariants
from orchestration.resources.warehouse import DuckDBWarehouse
from tests.warehouse import ugly
from tests.warehouse.test_landing import SETTINGS

HEADER = f"{ugly.HEADER},cur"
COLUMNS = {**ugly.COLUMNS, "currency": "cur"}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=SETTINGS) as opened:
        yield opened


def business(folder: Path, **keys: object) -> BusinessConfig:
    document = {
        "title": "Shop", "clock": "wall", "currency": "GBP", "time_zone": "UTC",
        "first_as_of_day": "2023-01-02", "sources": [{**ugly.ORDERS, "columns": COLUMNS}], **keys,
    }  # fmt: skip
    return business_from(document, file=Path("shop.yaml"), data_dir=folder, landing_dir=folder)


def deliver(folder: Path, *lines: str, name: str = "orders_1.csv") -> None:
    (folder / name).write_text("\n".join((HEADER, *lines)) + "\n")


def line(order: str, *, currency: str = "GBP", **cells: str) -> str:
    return f"{ugly.cells(order, **cells)},{currency}"


def ordinary(*, first: int = 1) -> list[str]:
    """Nine orders of one piece at 2.50."""
    return [line(str(number)) for number in range(first, first + 9)]


def orders(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute("select order_id from raw.order_lines order by order_id::integer").fetchall()
    return [str(order) for (order,) in found]


def reasons(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    return connection.execute("select source_line, reason from raw.rejects order by 1").fetchall()


def test_amounts_in_another_currency_are_converted_at_the_rate_of_their_day(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(
        tmp_path,
        line("1", price="1000", currency="jpy", when="2023-12-31"),
        line("2", price="1000", currency="JPY", when="2024-01-01"),
        line("3", price="1000", currency="JPY", when="2022-12-31"),
        line("4", price="10"),
    )
    rates = {"JPY": {"2023-01-01": 0.006, "2024-01-01": 0.005}}
    load_sources(connection, business(tmp_path, exchange_rates=rates))
    found = connection.execute("select order_id, unit_price, currency from raw.order_lines order by 1")
    assert found.fetchall() == [("1", 6.0, "GBP"), ("2", 5.0, "GBP"), ("4", 10.0, "GBP")]
    assert reasons(connection) == [
        (4, "currency is 'JPY', not GBP: exchange_rates in the YAML has no rate of it for 2022-12-31")
    ]


@pytest.mark.parametrize(
    "rates", [{"Yen": {"2023-01-01": 0.006}}, {"JPY": {"2023-01-01": 0}}, {"JPY": 0.006}]
)
def test_a_rate_that_cannot_be_one_is_refused(tmp_path: Path, rates: object) -> None:
    with pytest.raises(BusinessInvalid, match=r"shop.yaml: exchange_rates"):
        business(tmp_path, exchange_rates=rates)


def test_bounds_of_the_yaml_take_the_place_of_those_that_follow_the_data(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(
        tmp_path,
        *ordinary(),
        line("10", qty="999999"),
        line("11", price="60"),
        line("12", when="2023-01-12"),
        line("13", when="1990-01-01"),
    )
    bounds = {
        "largest_quantity": 1e6,
        "largest_amount": 50,
        "latest_day": "2023-01-11",
        "earliest_day": "1980-01-01",
    }
    load_sources(connection, business(tmp_path, bounds={**bounds, "largest_amount": 3e6}))
    assert orders(connection) == [*map(str, range(1, 12)), "13"]
    load_sources(connection, business(tmp_path, bounds=bounds))
    assert orders(connection) == [*map(str, range(1, 10)), "13"]
    measure, remedy = "quantity * unit_price - discount_amount", "if it is right, set bounds."
    assert reasons(connection) == [
        (11, f"{measure} is '2499997.5', beyond '50.00': {remedy}largest_amount in the YAML"),
        (12, f"{measure} is '60.0', beyond '50.00': {remedy}largest_amount in the YAML"),
        (13, f"ordered_at is '2023-01-12', after '2023-01-11': {remedy}latest_day in the YAML"),
    ]


def test_new_files_are_loaded_as_if_all_had_come_at_once(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    # Of three rows nobody can say which is absurd; of twelve everybody can.
    deliver(tmp_path, line("1"), line("2"), line("3", qty="999999"))
    load_sources(connection, business(tmp_path))
    assert orders(connection) == ["1", "2", "3"]
    deliver(tmp_path, *ordinary(first=4), name="orders_2.csv")
    load_sources(connection, business(tmp_path))
    assert orders(connection) == ["1", "2", *map(str, range(4, 13))]
    # Where 999,999 pieces are ordinary, they are loaded.
    many = [line(str(number), qty="1500") for number in range(13, 17)]
    deliver(tmp_path, *many, name="orders_3.csv")
    load_sources(connection, business(tmp_path))
    assert orders(connection) == [*map(str, range(1, 17))]
    assert reasons(connection) == []


def test_guests_are_counted_by_word_and_the_yaml_may_name_others(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(tmp_path, line("1", customer="NULL"), line("2", customer="Null"), line("3", customer="walk-in"))
    load_sources(connection, business(tmp_path))
    counted = "select guest_id, is_declared, row_count from raw.guest_rows"
    assert connection.execute(counted).fetchall() == [("null", False, 2)]
    load_sources(connection, business(tmp_path, guest_ids=["Walk-in"]))
    assert connection.execute(counted).fetchall() == [("walk-in", True, 1)]
    found = connection.execute("select customer_id from raw.order_lines order by order_id").fetchall()
    assert found == [("NULL",), ("Null",), (None,)]


def test_a_guest_has_no_consent_of_their_own(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    deliver(tmp_path, line("1"))
    (tmp_path / "consents.csv").write_text("who,what,given,at\nguest,profiling,true,2023-01-01\n")
    consents = {
        "name": "consents", "table": "consents", "files": "{landing_dir}/consents.csv",
        "columns": {"customer_id": "who", "purpose": "what", "is_granted": "given", "recorded_at": '"at"'},
    }  # fmt: skip
    sources = [{**ugly.ORDERS, "columns": COLUMNS}, consents]
    load_sources(connection, business(tmp_path, sources=sources))
    words = "customer_id 'guest' stands for nobody: if it is a customer, set guest_ids in the YAML without it"
    assert reasons(connection) == [(2, words)]


@pytest.mark.parametrize("order", ["id", "id desc", "md5(id::varchar)"])
def test_a_share_does_not_depend_on_the_order_of_the_rows(tmp_path: Path, order: str) -> None:
    # As doubles, 2,000 cents beside an amount of 1e9 add up to another sum in each order.
    warehouse = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    with warehouse.connect() as opened:
        opened.execute(
            f"""
            create schema raw;
            create table raw.order_lines as
            select 'c' || id as customer_id, 'o' || id as order_id, 'p' || id as product_id,
                timestamptz '2023-01-02' as ordered_at, timestamptz '2023-01-02' as known_at,
                1.0::double as quantity, if(id = 0, 1e9, 0.01 * (1 + id % 3))::double as unit_price,
                0.0::double as discount_amount, false as is_service
            from range(2001) as numbers(id) order by {order}
            """
        )
    (check,) = (each for each in plausibility_invariants() if each.name == "nothing_has_an_outsized_share")
    # 1e9 of 1e9 and 40.01; the bound of an order is 2 %.
    assert check.check(warehouse, date(2023, 1, 9)).value == 1e9 / 1000000040.01 / 0.02
