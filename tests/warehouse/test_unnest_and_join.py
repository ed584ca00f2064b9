"""Lists inside records and tables in two files: one row per line of an order."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.ingest.config.business import BusinessInvalid
from tests.warehouse.test_shaping import amounts, load, reasons
from tests.warehouse.test_ugly_files import SETTINGS

NESTED = {
    "order_id": "id", "customer_id": "customer", "ordered_at": "created_at", "product_id": "line_items.sku",
    "quantity": "line_items.quantity", "unit_price": "line_items.price", "product_title": "line_items.title",
}  # fmt: skip
# 2 * 10 + 1 * 30 = 50 in two lines, and 1 * 20 in one.
ORDERS = [
    {"id": 9001, "customer": "C1", "created_at": "2023-03-01T10:00:00+01:00", "line_items": [
        {"sku": "A", "quantity": 2, "price": "10.00"}, {"sku": "B", "quantity": 1, "price": "30.00"},
    ]},
    {"id": 9002, "customer": "C2", "created_at": "2023-03-02T10:00:00+01:00", "line_items": [
        {"sku": "A", "quantity": 1, "price": "20.00"},
    ]},
]  # fmt: skip


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=SETTINGS) as opened:
        yield opened


@pytest.mark.parametrize("kind", ["json", "jsonl", "parquet", "csv"])
def test_each_item_of_a_list_is_a_row(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str
) -> None:
    file, columns = tmp_path / f"orders.{kind}", NESTED
    match kind:
        case "json":
            file.write_text(json.dumps(ORDERS))
        case "jsonl":
            file.write_text("\n".join(map(json.dumps, ORDERS)))
        case "parquet":
            pq.write_table(pa.Table.from_pylist(ORDERS), file)
            columns = {name: sql for name, sql in NESTED.items() if name != "product_title"}
        case "csv":
            lines = (
                f"{order['id']};{order['customer']};{order['created_at']};{json.dumps(order['line_items'])}"
                for order in ORDERS
            )
            text = "\n".join(("id;customer;created_at;line_items", *lines)).replace('"', '""')
            file.write_text(text.replace("[", '"[').replace("]", ']"'))
    load(connection, tmp_path, {"columns": columns, "unnest": "line_items"})
    assert amounts(connection) == {"9001": 50.0, "9002": 20.0}
    placed = connection.execute("select source_line, product_id from raw.order_lines order by 1").fetchall()
    assert [product for _, product in placed] == ["A", "B", "A"]
    assert len({line for line, _ in placed}) == 3


def test_a_record_without_items_is_rejected_and_not_lost(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    empty = [{**ORDERS[0], "id": 1, "line_items": []}, {**ORDERS[0], "id": 2, "line_items": None}]
    (tmp_path / "orders.json").write_text(json.dumps([*empty, ORDERS[1]]))
    (record,) = load(connection, tmp_path, {"columns": NESTED, "unnest": "line_items"})
    assert amounts(connection) == {"9002": 20.0}
    assert (record.rows_in, record.rows_rejected) == (3, 2)
    assert all(
        "product_id is missing: line_items.sku gives nothing" in reason for _, reason in reasons(connection)
    )


def test_numbered_columns_are_rows_without_the_blank_ones(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    columns = {
        "order_id": "no", "customer_id": "customer", "ordered_at": "placed", "product_id": "sku",
        "quantity": "qty", "unit_price": "price",
    }  # fmt: skip
    lines = (
        "no,customer,placed,Item 1 SKU,Item 1 Qty,Item 2 SKU,Item 2 Qty,Item 1 Price,Item 2 Price",
        "1,C1,2023-03-01,A,2,B,1,10,30",
        "2,C2,2023-03-02,A,1,,,20,",
    )
    (tmp_path / "orders.csv").write_text("\n".join(lines))
    unnest = {"sku": "Item {n} SKU", "qty": "Item {n} Qty", "price": "Item {n} Price"}
    (record,) = load(connection, tmp_path, {"columns": columns, "unnest": unnest})
    assert amounts(connection) == {"1": 50.0, "2": 20.0}
    assert (record.rows_in, record.rows_rejected) == (3, 0)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"unnest": "lines"}, "unnest names lines, which the file does not have"),
        ({"unnest": {"sku": "item_{n}"}}, "unnest: sku is item_{n}, and the file has no such column"),
        (
            {"unnest": "line_items", "columns": {**NESTED, "customer_id": "line_items.who"}},
            "column customer_id is mapped to line_items.who, an item of line_items: map",
        ),
    ],
)
def test_what_cannot_be_unnested_is_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, keys: Mapping[str, object], words: str
) -> None:
    (tmp_path / "orders.json").write_text(json.dumps(ORDERS))
    with pytest.raises(BusinessInvalid) as refused:
        load(connection, tmp_path, {"columns": NESTED, **keys})
    assert words in str(refused.value)


LINES = "order,sku,qty,price\n1,A,2,10\n1,B,1,30\n2,A,1,20\n"
JOINED = {
    "columns": {
        "order_id": '"order"', "customer_id": "customer", "ordered_at": "placed", "product_id": "sku",
        "quantity": "qty", "unit_price": "price",
    },
    "where": "state <> 'void'",
    "join": {
        "files": "{data_dir}/headers*.csv", "by": {"order": "no"}, "columns": ["customer", "placed", "state"],
    },
}  # fmt: skip


def deliver_headers(folder: Path, *rows: str, name: str = "headers.csv") -> None:
    (folder / name).write_text("\n".join(("no,customer,placed,state,secret", *rows)))


def test_lines_get_the_columns_of_their_header(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(LINES)
    deliver_headers(
        tmp_path, "1.0,C1,2023-03-01 10:00,paid,x", "2,C2,2023-03-02,void,x", "3,C3,2023-03-02,paid,x"
    )
    (record,) = load(connection, tmp_path, JOINED)
    assert amounts(connection) == {"1": 50.0}
    assert (record.rows_in, record.rows_left_out) == (3, 1)
    assert connection.execute("select distinct customer_id from raw.order_lines").fetchall() == [("C1",)]


def test_a_changed_header_reaches_the_lines_that_were_loaded(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "orders.csv").write_text(LINES)
    deliver_headers(tmp_path, "1,C1,2023-03-01,paid,x", "2,C2,2023-03-02,void,x")
    load(connection, tmp_path, JOINED)
    # A later file has order 2 again, which was paid in the end.
    deliver_headers(tmp_path, "2,C2,2023-03-02,paid,x", name="headers_2.csv")
    load(connection, tmp_path, JOINED)
    assert amounts(connection) == {"1": 50.0, "2": 20.0}


def test_lines_without_a_header_are_rejected(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(LINES)
    deliver_headers(tmp_path, "1,C1,2023-03-01,paid,x")
    load(connection, tmp_path, {**JOINED, "where": None})
    assert reasons(connection) == [(4, "ordered_at is missing: placed gives nothing")]


@pytest.mark.parametrize(
    ("headers", "join", "words"),
    [
        (
            ["1,C1,2023-03-01,paid,x", "1,C1,2023-03-02,paid,x"],
            {},
            "headers.csv has 2 different rows of no '1'",
        ),
        (["1,C1,2023-03-01"], {}, "join: line 2 of headers.csv: the line is broken: too few columns"),
        (
            ["1,C1,2023-03-01,paid,x"],
            {"columns": ["buyer"]},
            "join names buyer, which the file does not have",
        ),
        (["1,C1,2023-03-01,paid,x"], {"by": "sku"}, "join names sku, which the file does not have"),
        (["1,C1,2023-03-01,paid,x"], {"files": "{landing_dir}/headers.csv"}, "keep them in {data_dir}"),
        (["1,C1,2023-03-01,paid,x"], {"files": "{data_dir}/heads.csv"}, "no file matches"),
    ],
)
def test_a_join_that_does_not_fit_is_refused(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    headers: list[str],
    join: dict[str, object],
    words: str,
) -> None:
    (tmp_path / "orders.csv").write_text(LINES)
    deliver_headers(tmp_path, *headers)
    declared = JOINED["join"]
    assert isinstance(declared, dict)
    with pytest.raises(BusinessInvalid) as refused:
        load(connection, tmp_path, {**JOINED, "join": {**declared, **join}})
    assert words in str(refused.value)


def test_order_totals_without_lines_are_orders_of_one_product(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "orders.csv").write_text("no,customer,placed,total\n1,C1,2023-03-01,50\n2,C1,2023-03-09,20\n")
    columns = {
        "order_id": "no", "customer_id": "customer", "ordered_at": "placed", "product_id": "'order total'",
        "quantity": 1, "unit_price": "total",
    }  # fmt: skip
    load(connection, tmp_path, {"columns": columns})
    assert amounts(connection) == {"1": 50.0, "2": 20.0}
