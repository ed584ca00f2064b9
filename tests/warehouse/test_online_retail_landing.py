"""The two Online Retail files land with the totals that their data sheet states."""

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from assets.ingest.config.business import business_from
from assets.ingest.loading.load import LoadRecord, load_sources
from tests.warehouse.reconciliation import reconciliation_gaps

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config" / "online_retail.yaml"
DATA_DIR = Path(os.environ.get("DATA_DIR") or ROOT.parent / "shared" / "data")
FOLDER = DATA_DIR / "online_retail"

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "TimeZone": "UTC",
    "temp_directory": "",
}

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        not FOLDER.is_dir(),
        reason=f"the Online Retail files are not in {FOLDER}; set DATA_DIR to their folder",
    ),
]

FIGURES = """
    select
        count(*),
        count(distinct order_id),
        count(distinct customer_id),
        round(sum(quantity * unit_price), 2),
        count(*) filter (where customer_id is null),
        count(*) filter (where is_return),
        count(distinct order_id) filter (where is_return),
        count(*) filter (where quantity < 0),
        count(*) filter (where unit_price = 0),
        count(distinct country)
    from raw.order_lines
"""


@pytest.fixture(scope="module")
def warehouse() -> Iterator[tuple[duckdb.DuckDBPyConnection, list[LoadRecord]]]:
    document = yaml.safe_load(CONFIG.read_text())
    business = business_from(document, file=CONFIG, data_dir=DATA_DIR, landing_dir=ROOT / "var")
    with duckdb.connect(config=SETTINGS) as connection:
        yield connection, load_sources(connection, business)


def test_the_overlap_of_the_two_files_counts_once(
    warehouse: tuple[duckdb.DuckDBPyConnection, list[LoadRecord]],
) -> None:
    connection, landings = warehouse
    assert reconciliation_gaps(landings) == []
    assert [(it.rows_in, it.rows_loaded, it.rows_rejected) for it in landings] == [
        (525_461, 502_938, 22_523),
        (541_909, 541_909, 0),
    ]
    reasons = connection.execute(
        "select count(*), min(source_line) from raw.rejects "
        "where reason like 'order ''%'' was delivered again by online_retail/online_retail_2010_2011.parquet'"
    ).fetchone()
    assert reasons == (22_523, 502_939)


def test_the_second_file_has_the_totals_of_its_data_sheet(
    warehouse: tuple[duckdb.DuckDBPyConnection, list[LoadRecord]],
) -> None:
    connection, _ = warehouse
    found = connection.execute(f"{FIGURES} where source = 'orders_2010_2011'").fetchone()
    assert found == (541_909, 25_900, 4_372, 9_747_747.93, 135_080, 9_288, 3_836, 10_624, 2_515, 38)


def test_the_first_file_has_the_totals_of_its_data_sheet_with_what_was_delivered_again(
    warehouse: tuple[duckdb.DuckDBPyConnection, list[LoadRecord]],
) -> None:
    connection, _ = warehouse
    # The refused rows are kept whole, so the file can be put together again.
    found = connection.execute(
        """
        with again as (
            select json_transform(raw_text, '{"Invoice":"varchar","Quantity":"double","Price":"double",
                "Customer ID":"varchar","Country":"varchar"}') as row from raw.rejects
        ), whole as (
            select order_id, customer_id, quantity, unit_price, country, is_return
            from raw.order_lines where source = 'orders_2009_2010'
            union all
            select row.Invoice, row."Customer ID", row.Quantity, row.Price, row.Country,
                starts_with(row.Invoice, 'C') from again
        ) """
        + FIGURES.replace("raw.order_lines", "whole")
    ).fetchone()
    assert found == (525_461, 28_816, 4_383, 9_539_484.63, 107_927, 10_206, 4_592, 12_326, 3_687, 40)


def test_together_they_are_the_two_years(
    warehouse: tuple[duckdb.DuckDBPyConnection, list[LoadRecord]],
) -> None:
    connection, _ = warehouse
    rows, invoices, customers, *_ = connection.execute(FIGURES).fetchone() or ()
    assert (rows, invoices, customers) == (1_044_847, 53_628, 5_942)


def test_lines_are_repeated_by_the_shop_and_not_by_the_export(
    warehouse: tuple[duckdb.DuckDBPyConnection, list[LoadRecord]],
) -> None:
    connection, _ = warehouse
    # Nine days were exported twice, independently: both exports repeat the same lines equally often.
    found = connection.execute(
        """
        with both_files as (
            select 1 as file, columns(['Invoice', 'StockCode', 'Description', 'Quantity', 'InvoiceDate',
                'Price', 'Customer ID', 'Country']) from read_parquet($first)
            union all
            select 2, columns(['InvoiceNo', 'StockCode', 'Description', 'Quantity', 'InvoiceDate',
                'UnitPrice', 'CustomerID', 'Country']) from read_parquet($second)
        ), lines as (
            select * exclude (file), count(*) filter (where file = 1) as in_first,
                count(*) filter (where file = 2) as in_second
            from both_files where InvoiceDate >= '2010-12-01' and InvoiceDate < '2010-12-10' group by all
        )
        select sum(in_first), sum(in_second), count(*) filter (where in_first > 1),
            count(*) filter (where in_first <> in_second) from lines
        """,
        {
            "first": str(FOLDER / "online_retail_2009_2010.parquet"),
            "second": str(FOLDER / "online_retail_2010_2011.parquet"),
        },
    ).fetchone()
    assert found == (22_523, 22_523, 296, 0)


def test_money_that_is_not_a_product_is_marked(
    warehouse: tuple[duckdb.DuckDBPyConnection, list[LoadRecord]],
) -> None:
    connection, _ = warehouse
    codes = {
        code
        for (code,) in connection.execute(
            "select distinct product_id from raw.order_lines where is_service"
        ).fetchall()
    }
    listed = [
        "POST",
        "DOT",
        "C2",
        "M",
        "D",
        "S",
        "B",
        "AMAZONFEE",
        "CRUK",
        "ADJUST",
        "ADJUST2",
        "PADS",
        "SP1002",
    ]
    assert {*listed, "BANK CHARGES", "TEST001", "TEST002", "GIFT_0001_10"} <= codes
    assert not any(code[:5].isdigit() for code in codes)
    bad_debt = connection.execute(
        "select count(*), bool_and(is_service) from raw.order_lines where starts_with(order_id, 'A')"
    ).fetchone()
    assert bad_debt == (6, True)


def test_codes_that_differ_in_letter_case_are_one_product(
    warehouse: tuple[duckdb.DuckDBPyConnection, list[LoadRecord]],
) -> None:
    connection, _ = warehouse
    found = connection.execute(
        "select count(distinct product_id), count(*) filter (where product_id <> upper(product_id)), "
        "count(*) filter (where product_title <> trim(product_title)) from raw.order_lines"
    ).fetchone()
    assert found == (5_131, 0, 0)
