"""Every delivered row ends in a raw table or in the rejects, typed or explained."""

import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from assets.ingest.config.business import BusinessInvalid, business_from
from assets.ingest.loading.load import (
    LoadRecord,
    load_sources,
    quarantined_files,
    read_load_log,
    reject_kinds,
)
from tests.warehouse.reconciliation import reconciliation_gaps

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "TimeZone": "UTC",
    "temp_directory": "",
}
HEADER = "id,Customer ID,when,sku,qty,price,email"
COLUMNS = {
    "order_id": "id",
    "customer_id": '"Customer ID"',
    "ordered_at": '"when"',
    "product_id": "sku",
    "quantity": "qty",
    "unit_price": "price",
}
ORDERS = {"name": "orders", "table": "order_lines", "files": "{landing_dir}/orders*", "columns": COLUMNS}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=SETTINGS) as opened:
        yield opened


def landed(
    connection: duckdb.DuckDBPyConnection, folder: Path, *sources: Mapping[str, object]
) -> list[LoadRecord]:
    document = {
        "title": "Shop",
        "clock": "data",
        "last_day": "2011-12-09",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "first_as_of_day": "2023-01-02",
        "sources": list(sources or [ORDERS]),
    }
    business = business_from(document, file=Path("shop.yaml"), data_dir=folder, landing_dir=folder)
    connection.execute("begin transaction")
    try:
        landings = load_sources(connection, business)
    except BusinessInvalid:
        connection.execute("rollback")
        raise
    connection.execute("commit")
    assert reconciliation_gaps(landings) == []
    return landings


def write(file: Path, *lines: str) -> None:
    text = "\n".join((HEADER, *lines)) + "\n"
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())


def order_lines(connection: duckdb.DuckDBPyConnection, columns: str) -> list[tuple[object, ...]]:
    return connection.execute(f"select {columns} from raw.order_lines").fetchall()


def rejects(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return connection.execute("select source_line, reason from raw.rejects order by 1").fetchall()


def test_a_wall_clock_time_becomes_utc_and_defaults_are_filled(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    # Berlin is one hour ahead of UTC in January and two in July; a time with its own offset keeps it.
    write(
        tmp_path / "orders.csv",
        "1,a,2023-01-10 10:00,s,1,2.5,x@y",
        "2,,2023-07-10 10:00,s,-1,2.5,x@y",
        "3,a,2023-07-10T10:00:00Z,s,1,2.5,x@y",
    )
    landed(connection, tmp_path)
    rows = order_lines(connection, "customer_id, ordered_at, known_at, is_return, currency, discount_amount")
    winter, summer, utc = (
        datetime.fromisoformat(text) for text in ("2023-01-10T09:00", "2023-07-10T08:00", "2023-07-10T10:00")
    )
    assert rows == [
        ("a", winter, winter, False, "EUR", 0.0),
        (None, summer, summer, True, "EUR", 0.0),
        ("a", utc, utc, False, "EUR", 0.0),
    ]


def test_what_cannot_be_typed_or_breaks_the_contract_is_explained_on_its_line(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write(
        tmp_path / "orders.csv",
        "1,a,2023-01-10,s,1,2.5,x@y",  # line 2
        "2,a,2023-01-10,s,1,cheap,x@y",
        "",
        '3,"two\nlines",soon,s,1,2.5,x@y',  # line 5, ends on line 6
        "4,a",  # line 7
        ",a,2023-01-10,s,1,2.5,x@y",
        "5,a,2023-01-10,s,1,nan,x@y",
        "6,a, ,s,many,2.5,x@y",
        "7,a,2023-01-10,s,1,2.5,x@y",  # line 11
    )
    landings = landed(connection, tmp_path)
    assert (landings[0].rows_in, landings[0].rows_loaded, landings[0].rows_rejected) == (8, 2, 6)
    assert order_lines(connection, "order_id, source_line") == [("1", 2), ("7", 11)]
    assert rejects(connection) == [
        (3, "unit_price 'cheap' is not a number"),
        (5, "ordered_at 'soon' is not a date and time"),
        (7, "the line is broken: too few columns"),
        (8, "order_id is missing: id gives nothing"),
        (9, "unit_price nan is not a finite number"),
        (10, "ordered_at is missing: \"when\" gives nothing; quantity 'many' is not a number"),
    ]


def test_lines_are_right_around_several_broken_records(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write(
        tmp_path / "orders.csv",
        '1,"a\nb",2023-01-10,s,1,2.5,',  # 2 to 3
        "",
        "2,a",  # 5
        '3,"u\nv",2023-01-10,s,1,2.5,,,too,many',  # 6 to 7
        "4,a,2023-01-10,s,1,2.5,",  # 8
        '5,a,2023-01-10,"s"s,1,2.5,',  # 9: a quote in a wrong place
        "6,a,2023-01-10,s,1,2.5,",  # 10
    )
    landed(connection, tmp_path)
    assert order_lines(connection, "order_id, source_line") == [("1", 2), ("4", 8), ("6", 10)]
    assert [line for line, _ in rejects(connection)] == [5, 6, 9]


def test_bytes_that_are_not_text_cost_their_line_only(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    good = "1,a,2023-01-10,s,1,2.5,"
    lines = [HEADER.encode(), good.encode(), b"2,\xe9t\xe9,2023-01-10,s,1,2.5,", good.encode()]
    (tmp_path / "orders.csv").write_bytes(b"\n".join(lines))
    landed(connection, tmp_path)
    assert order_lines(connection, "source_line") == [(2,), (4,)]
    assert rejects(connection) == [
        (
            3,
            "the line is broken: not text in utf-8; it looks like windows-1252: set encoding: windows-1252 "
            "in this source, or save it as UTF-8",
        )
    ]
    landed(connection, tmp_path, {**ORDERS, "encoding": "latin-1"})
    assert order_lines(connection, "customer_id, source_line") == [("a", 2), ("été", 3), ("a", 4)]


def test_an_expression_that_fails_on_a_row_refuses_that_row_only(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write(tmp_path / "orders.csv", "1,a,10.01.2023,s,1,2.5,", "2,a,2023-01-10,s,1,2.5,")
    landed(
        connection,
        tmp_path,
        {**ORDERS, "columns": {**COLUMNS, "ordered_at": "strptime(\"when\", '%d.%m.%Y')"}},
    )
    assert order_lines(connection, "order_id") == [("1",)]
    assert "cannot be worked out" in str(rejects(connection)[0][1])


def test_an_order_delivered_again_counts_once_and_repeated_lines_stay(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    twice = "1,a,2023-01-10,s,1,2.5,"
    write(tmp_path / "orders_1.csv", "0,a,2023-01-09,s,1,2.5,", twice, twice)
    write(tmp_path / "orders_2.csv.gz", "1,a,2023-01-10,s,9,2.5,", twice, twice)
    landings = landed(connection, tmp_path)
    assert [(it.rows_in, it.rows_loaded, it.rows_rejected) for it in landings] == [(3, 1, 2), (3, 3, 0)]
    assert order_lines(connection, "order_id, quantity, source_file") == [
        ("0", 1.0, "orders_1.csv"),
        ("1", 9.0, "orders_2.csv.gz"),
        ("1", 1.0, "orders_2.csv.gz"),
        ("1", 1.0, "orders_2.csv.gz"),
    ]
    assert rejects(connection) == [
        (3, "order '1' was delivered again by orders_2.csv.gz"),
        (4, "order '1' was delivered again by orders_2.csv.gz"),
    ]


def test_a_customer_given_twice_is_the_last_one_given(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("id;land\n1;DE\n2;FR\n1;IT\n")
    source = {
        "name": "people",
        "table": "customers",
        "files": "{landing_dir}/people.csv",
        "columns": {"customer_id": "id", "country": "land"},
    }
    landed(connection, tmp_path, source)
    found = connection.execute("select customer_id, country from raw.customers").fetchall()
    assert found == [("2", "FR"), ("1", "IT")]
    assert rejects(connection) == [(2, "customer '1' is given again on line 4")]


def test_landing_the_same_files_again_writes_nothing(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write(tmp_path / "orders.csv", "1,a,2023-01-10,s,1,2.5,")
    first = landed(connection, tmp_path)
    connection.execute("update raw.order_lines set channel = 'untouched'")
    assert landed(connection, tmp_path) == first == read_load_log(connection)
    assert order_lines(connection, "channel") == [("untouched",)]
    write(tmp_path / "orders.csv", "1,a,2023-01-10,s,2,2.5,")
    assert landed(connection, tmp_path) != first
    assert order_lines(connection, "channel, quantity") == [(None, 2.0)]
    assert len(read_load_log(connection)) == 1


def test_a_file_that_left_takes_its_rows_with_it(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write(tmp_path / "orders_1.csv", "1,a,2023-01-10,s,1,2.5,", "x,a,never,s,1,2.5,")
    write(tmp_path / "orders_2.csv", "2,a,2023-01-10,s,1,2.5,")
    landed(connection, tmp_path)
    (tmp_path / "orders_1.csv").unlink()
    landed(connection, tmp_path)
    assert order_lines(connection, "order_id") == [("2",)]
    assert rejects(connection) == []


def test_raw_tables_are_there_without_a_source(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(tmp_path / "orders.csv", "1,a,2023-01-10,s,1,2.5,")
    landed(connection, tmp_path)
    landed(connection, tmp_path)
    for table in ("customers", "products"):
        assert connection.execute(f"select count(*) from raw.{table}").fetchone() == (0,)


def test_personal_columns_never_enter_the_warehouse(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write(tmp_path / "orders.csv", "1,a,2023-01-10,s,1,bad,secret@x.org", "2,a,2023-01-10,secret@x.org")
    landed(connection, tmp_path, {**ORDERS, "pii": ["email"]})
    kept = connection.execute("select raw_text from raw.rejects order by source_line").fetchall()
    assert json.loads(kept[0][0]) == {
        "id": "1", "Customer ID": "a", "when": "2023-01-10", "sku": "s", "qty": "1", "price": "bad",
    }  # fmt: skip
    assert kept[1][0] == "withheld: the file has personal columns"
    with pytest.raises(BusinessInvalid, match="personal, never read: email"):
        landed(connection, tmp_path, {**ORDERS, "pii": ["email"], "columns": {**COLUMNS, "country": "email"}})


def test_kinds_of_rejects_hold_no_values(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(tmp_path / "orders_1.csv", "bob,a,2023-01-10,O'Hara,1,it's free,", "2,a,2023-01-10,s,1,1 GBP,")
    write(tmp_path / "orders_2.csv", "3,a,2023-01-10,s,1,inf,")
    landed(connection, tmp_path)
    assert reject_kinds(connection) == [
        ("order_lines", "unit_price ... is not a number", 2),
        ("order_lines", "unit_price inf is not a finite number", 1),
    ]


def test_parquet_and_json_land_like_csv(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    row = {"id": 1, "Customer ID": "a", "when": "2023-01-10", "sku": "s", "qty": 1, "price": 2.5}
    (tmp_path / "orders_1.jsonl").write_text(f"{json.dumps(row)}\n\n{{broken\n")
    (tmp_path / "orders_2.json").write_text(json.dumps([{**row, "id": 2}, {**row, "id": 3, "qty": None}]))
    file = tmp_path / "orders_3.parquet"
    connection.execute(
        "copy (select 4 as id, 'a' as \"Customer ID\", timestamp '2023-01-10 00:00' as \"when\", 's' as sku, "
        f"1 as qty, 'free' as price) to '{file}'"
    )
    landed(connection, tmp_path)
    assert order_lines(connection, "order_id, source_line") == [("1", 1), ("2", 1)]
    assert connection.execute(
        "select source_file, source_line, reason from raw.rejects order by 1"
    ).fetchall() == [
        ("orders_1.jsonl", 3, "the line is broken: not a JSON object"),
        ("orders_2.json", 2, "quantity is missing: qty gives nothing"),
        ("orders_3.parquet", 1, "unit_price 'free' is not a number"),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"columns": {**COLUMNS, "unit_price": '"Prise"'}},
            ["column unit_price", '"Prise"', "Customer ID, when"],
        ),
        ({"columns": {**COLUMNS, "quantity": "qty + 1"}}, ["column quantity", "qty + 1"]),
        ({"pii": ["emial"]}, ["pii names emial", "email"]),
        ({"format": "parquet"}, ["it is not Parquet"]),
    ],
)
def test_a_file_that_does_not_fit_its_mapping_is_one_clear_line(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, change: dict[str, object], words: list[str]
) -> None:
    write(tmp_path / "orders.csv", "1,a,2023-01-10,s,1,2.5,")
    with pytest.raises(BusinessInvalid) as refused:
        landed(connection, tmp_path, {**ORDERS, **change})
    message = str(refused.value)
    assert "\n" not in message
    assert all(word in message for word in [str(tmp_path / "orders.csv"), "source orders", *words]), message


def test_when_no_file_fits_the_delivery_is_refused_as_a_whole(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    for name in ("orders_1.csv", "orders_2.csv"):
        (tmp_path / name).write_text("nr,wer\n1,a\n")
    with pytest.raises(BusinessInvalid, match=r"orders_1\.csv.*no column id.*the other 1 of its files"):
        landed(connection, tmp_path)
    # With one that fits, the others are kept apart and told.
    write(tmp_path / "orders_3.csv", "1,a,2023-01-10,s,1,2.5,")
    landings = landed(connection, tmp_path)
    assert [(it.rows_in, it.rows_loaded, it.rows_rejected) for it in landings] == [
        (1, 0, 1),
        (1, 0, 1),
        (1, 1, 0),
    ]
    assert [text.split(":")[0] for text in quarantined_files(landings)] == [
        "orders_1.csv (orders)",
        "orders_2.csv (orders)",
    ]


def test_a_header_that_may_be_personal_is_not_shown(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write(tmp_path / "orders_1.csv", "1,a,2023-01-10,s,1,2.5,x@y")
    (tmp_path / "orders_2.csv").write_text("2,b,2023-01-10,s,1,2.5,secret@x.org\n")
    landings = landed(connection, tmp_path, {**ORDERS, "pii": ["email"]})
    assert quarantined_files(landings) == [
        "orders_2.csv (orders): its first line holds values and no names such as Customer ID, id, price, "
        "qty, sku, when: is there no header line? Add one"
    ]


def test_a_remedy_does_not_hide_the_kind_of_a_reject(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write(tmp_path / "orders_1.csv", '1,a,10.01.2023,s,1,"1,5",', "2,a,2023-01-10,s,1,O'Hara,")
    landed(connection, tmp_path)
    assert reject_kinds(connection) == [
        ("order_lines", "ordered_at ... is not a number", 1),
        ("order_lines", "unit_price ... is not a number", 1),
    ]


def test_an_empty_file_is_refused_by_name(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").touch()
    with pytest.raises(BusinessInvalid, match="is the file empty"):
        landed(connection, tmp_path)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "parquet"])
def test_a_file_may_have_columns_called_as_those_of_the_reader(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str
) -> None:
    own = ["line", "record", "text", "json", "source", "source_line", "file_number", "reason", "rows"]
    names = [*COLUMNS.values(), *own]
    values = [["O1", "C1", "2024-01-01", "tea", quantity, "2.5", *own] for quantity in ("1", "many")]
    rows = pd.DataFrame(values, columns=[name.strip('"') for name in names])
    write_rows = {
        "csv": lambda file: rows.to_csv(file, index=False),
        "jsonl": lambda file: rows.to_json(file, orient="records", lines=True),
        "json": lambda file: rows.to_json(file, orient="records"),
        "parquet": lambda file: rows.to_parquet(file),
    }
    write_rows[suffix](tmp_path / f"orders.{suffix}")
    (landing,) = landed(connection, tmp_path)
    assert (landing.rows_loaded, landing.rows_rejected) == (1, 1)
    ((text,),) = connection.execute("select raw_text from raw.rejects").fetchall()
    assert {json.loads(text)[name] for name in own} == {*own}
