"""Excel workbooks: numbers, dates and ids are typed by their cells; the sheet is known or asked for."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from assets.ingest.config.business import BusinessInvalid
from assets.privacy.redaction.redact_exports import redact_exports
from tests.unit.privacy.test_redaction import business, vault
from tests.warehouse import ugly
from tests.warehouse.test_shaping import load, reasons
from tests.warehouse.test_ugly_files import SETTINGS
from tests.warehouse.workbooks import Cell, workbook

__all__ = ["vault"]
HEADER: list[Cell] = ["id", "Customer ID", "when", "sku", "qty", "price"]
SOURCE = {"columns": ugly.COLUMNS}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=SETTINGS) as opened:
        yield opened


def test_cells_are_typed_by_what_they_are(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    rows: list[list[Cell]] = [
        HEADER,
        [1001.0, 123.0, datetime.fromisoformat("2023-03-01 09:15"), "TEA", 2.0, 4.9],
        [],
        # 1.234 is a number in its cell, so its dot groups no thousands.
        [1002.0, "C-2", date(2023, 3, 2), "CUP", 1.0, 1.234],
        [1.5e15, "C-3", date(2023, 3, 2), "POT", 1.0, 2.0],
    ]
    (tmp_path / "orders.xlsx").write_bytes(workbook({"Sheet1": rows}))
    load(connection, tmp_path, SOURCE)
    found = connection.execute(
        "select order_id, customer_id, ordered_at, quantity, unit_price, source_line from raw.order_lines"
    )
    assert found.fetchall() == [
        ("1001", "123", datetime.fromisoformat("2023-03-01 09:15"), 2.0, 4.9, 2),
        ("1002", "C-2", datetime.fromisoformat("2023-03-02"), 1.0, 1.234, 4),
    ]
    assert reasons(connection) == [
        (5, "order_id '1500000000000000.0' was rounded by a spreadsheet: export ids as text")
    ]


def test_title_sheet_and_total_are_named_in_the_source(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    orders: list[list[Cell]] = [
        ["Orders of March"], [], HEADER, ["1", "C1", date(2023, 3, 1), "s", 1.0, 2.5],
        ["Total", None, None, None, 1.0],
    ]  # fmt: skip
    (tmp_path / "orders.xlsx").write_bytes(workbook({"Notes": [["see below"]], "Orders": orders}))
    (record,) = load(connection, tmp_path, {**SOURCE, "sheet": "Orders", "skip_rows": 2, "footer": "Total"})
    assert (record.rows_in, record.rows_loaded) == (2, 1)
    assert reasons(connection) == [(5, "it is below the data: footer is 'Total'")]


@pytest.mark.parametrize(
    ("sheets", "keys", "words"),
    [
        ({"A": [HEADER], "B": [HEADER]}, {}, "it has 2 sheets (A, B): set sheet in this source"),
        ({"A": [HEADER]}, {"sheet": "Orders"}, "it has no sheet 'Orders'; it has A"),
        ({"A": []}, {}, "no header line; is the sheet empty?"),
        ({"A": [["id"]]}, {}, "the file has no column Customer ID; it has id"),
    ],
)
def test_a_workbook_that_cannot_be_read_is_quarantined_with_the_remedy(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    sheets: Mapping[str, list[list[Cell]]],
    keys: Mapping[str, object],
    words: str,
) -> None:
    (tmp_path / "orders.xlsx").write_bytes(workbook(sheets))
    with pytest.raises(BusinessInvalid) as refused:
        load(connection, tmp_path, {**SOURCE, **keys})
    assert words in str(refused.value)


def test_a_workbook_that_would_have_to_be_rewritten_is_refused(tmp_path: Path, vault: object) -> None:
    shop = business(tmp_path, "customers.xlsx", pii=())
    rows: list[list[Cell]] = [["id", "country"], ["C1", "DE"], ["C2", "AT"]]
    (tmp_path / "landing" / "customers.xlsx").write_bytes(workbook({"People": rows}))
    vault.mark_erased({"customer_id": ["C2"]})  # type: ignore[attr-defined]
    with pytest.raises(BusinessInvalid, match="deliver it as CSV, or keep it in"):
        redact_exports(shop, vault)  # type: ignore[arg-type]
