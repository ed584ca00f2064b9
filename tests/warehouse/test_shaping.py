"""Rows that are shaped before they are typed: values carried down, rows left out."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pytest

from assets.ingest.config.business import BusinessInvalid, business_from
from assets.ingest.loading.load import LoadRecord, load_sources
from tests.warehouse.reconciliation import reconciliation_gaps
from tests.warehouse.test_ugly_files import SETTINGS

HEADER = "no,customer,status,placed,sku,qty,price,discount"
COLUMNS = {
    "order_id": "no", "customer_id": "customer", "ordered_at": "placed", "product_id": "sku",
    "quantity": "qty", "unit_price": "price", "discount_amount": "discount",
}  # fmt: skip
ORDERS = {"name": "orders", "table": "order_lines", "files": "{landing_dir}/orders*", "columns": COLUMNS}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=SETTINGS) as opened:
        yield opened


def load(
    connection: duckdb.DuckDBPyConnection, folder: Path, *sources: Mapping[str, object], **keys: object
) -> list[LoadRecord]:
    document = {
        "title": "Shop", "clock": "wall", "currency": "EUR", "time_zone": "UTC",
        "first_as_of_day": "2023-01-02", **keys,
        "sources": [{**ORDERS, **source} for source in sources or ({},)],
    }  # fmt: skip
    business = business_from(document, file=Path("shop.yaml"), data_dir=folder, landing_dir=folder)
    records = load_sources(connection, business)
    assert reconciliation_gaps(records) == []
    return records


def deliver(folder: Path, *lines: str, name: str = "orders.csv", header: str = HEADER) -> None:
    (folder / name).write_text("\n".join((header, *lines)) + "\n")


def amounts(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Net amount of each order."""
    found = connection.execute(
        "select order_id, sum(quantity * unit_price - discount_amount) from raw.order_lines "
        "group by 1 order by 1"
    )
    return dict(found.fetchall())


def reasons(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    return connection.execute("select source_line, reason from raw.rejects order by 1").fetchall()


# One order of two lines that was paid (20 + 30 - 5 = 45), and one that was voided; status, customer, time and
# discount stand on the first line of each.
FIRST_LINES = (
    "1,a@x.org,paid,2023-03-01 09:15,TEA,2,10,5", "1,,,,CUP,1,30,",
    "2,b@x.org,voided,2023-03-02 09:15,POT,1,20,", "2,,,,KET,1,45,",
)  # fmt: skip
CARRIED = {"fill_down": ["customer", "Status", "placed"]}


def test_columns_of_the_first_line_of_an_order_are_carried_down_and_voided_orders_left_out(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(tmp_path, *FIRST_LINES)
    (record,) = load(connection, tmp_path, {**CARRIED, "where": "status <> 'voided'"})
    assert amounts(connection) == {"1": 45.0}
    assert connection.execute("select distinct customer_id from raw.order_lines").fetchall() == [("a@x.org",)]
    assert (record.rows_in, record.rows_loaded, record.rows_rejected, record.rows_left_out) == (4, 2, 0, 2)


def test_a_condition_that_is_blank_on_a_row_rejects_it_with_the_remedy(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(tmp_path, *FIRST_LINES)
    load(connection, tmp_path, {"fill_down": ["customer", "placed"], "where": "status <> 'voided'"})
    assert amounts(connection) == {"1": 15.0}
    undecided = (
        "where is status <> 'voided', which gives neither true nor false on this row: say in it what a"
    )
    assert [(line, reason[: len(undecided)]) for line, reason in reasons(connection)] == [
        (3, undecided),
        (5, undecided),
    ]


def test_a_value_is_carried_within_its_order_and_file_only(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    # Order 2 has no customer on its first line, and order 1 goes on below it.
    deliver(tmp_path, "1,a,,2023-03-01,TEA,1,10,", "2,,,2023-03-02,CUP,1,20,", "1,,,2023-03-01,POT,1,30,")
    load(connection, tmp_path, {"fill_down": "customer"})
    found = connection.execute("select product_id, customer_id from raw.order_lines order by unit_price")
    assert found.fetchall() == [("TEA", "a"), ("CUP", None), ("POT", "a")]


def test_an_order_number_given_once_is_carried_down_from_the_row_above(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(
        tmp_path, "1,a,,2023-03-01,TEA,1,10,", ",,,,CUP,1,20,", "2,,,2023-03-02,POT,1,30,", ",,,,KET,1,40,"
    )
    load(connection, tmp_path, {"fill_down": ["no", "customer", "placed"]})
    assert amounts(connection) == {"1": 30.0, "2": 70.0}
    found = connection.execute("select distinct order_id, customer_id from raw.order_lines order by 1")
    assert found.fetchall() == [("1", "a"), ("2", None)]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"fill_down": "stat"}, "fill_down names stat, which the file does not have; it has no, customer"),
        ({"where": "status"}, "where is status, which gives VARCHAR: write a condition"),
        (
            {"where": "state = 'x'"},
            "where is state = 'x': Binder Error: Referenced column \"state\" not found",
        ),
    ],
)
def test_a_key_that_does_not_fit_the_file_is_named(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, keys: Mapping[str, object], words: str
) -> None:
    deliver(tmp_path, *FIRST_LINES)
    with pytest.raises(BusinessInvalid) as refused:
        load(connection, tmp_path, keys)
    assert words in str(refused.value)


def test_a_condition_works_on_its_own_row_only(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    deliver(tmp_path, *FIRST_LINES)
    with pytest.raises(BusinessInvalid, match=r"where is max\(price\) > 1: function max is not allowed"):
        load(connection, tmp_path, {"where": "max(price) > 1"})


def test_loading_again_counts_the_rows_left_out_once(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    source = {**CARRIED, "where": "status <> 'voided'"}
    deliver(tmp_path, *FIRST_LINES)
    first = load(connection, tmp_path, source)
    assert load(connection, tmp_path, source) == first
    deliver(tmp_path, "3,c,voided,2023-03-02,POT,1,30,", name="orders_2.csv")
    assert [record.rows_left_out for record in load(connection, tmp_path, source)] == [2, 1]


def test_devices_of_one_campaign_and_day_are_loaded_each(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    deliver(tmp_path, "2023-03-01,11,10", "2023-03-01,11,15", "2023-03-01,11,5", header="day,campaign,cost")
    columns = {"date": "day", "channel": "'google'", "campaign_id": "campaign", "cost_amount": "cost"}
    load(connection, tmp_path, {"table": "ad_spend", "columns": columns})
    assert connection.execute("select sum(cost_amount) from raw.ad_spend").fetchall() == [(30.0,)]


def test_a_review_needs_a_text_or_stars(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    deliver(
        tmp_path, "1,2023-03-01,5,Lovely", "2,2023-03-01,1,", "3,2023-03-01,,", header="id,at,stars,words"
    )
    columns = {"review_id": "id", "written_at": '"at"', "rating": "stars", "text": "words"}
    load(connection, tmp_path, {"table": "reviews", "columns": columns})
    assert connection.execute("select count(*), avg(rating) from raw.reviews").fetchall() == [(2, 3.0)]
    assert reasons(connection) == [(4, "a review without text and rating says nothing")]
