"""Rows are counted per source and day, as known on one as-of date."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from assets.ingest.config.contracts import CONTRACTS
from assets.monitoring.source_volume import continued, daily_arrivals
from orchestration.resources.warehouse import DuckDBWarehouse

MONDAY = date(2024, 3, 11)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))


def landed(warehouse: DuckDBWarehouse, table: str, columns: str, *rows: str) -> pd.DataFrame:
    """Result of ``daily_arrivals`` on MONDAY after ``rows`` (SQL) have landed."""
    with warehouse.connect() as connection:
        connection.execute("create schema raw")
        connection.execute(
            f"create table raw.{table} as select * from (values {', '.join(rows)}) t({columns})"
        )
    return daily_arrivals(warehouse, CONTRACTS[table], as_of=MONDAY)


def test_rows_are_counted_per_source_and_day(warehouse: DuckDBWarehouse) -> None:
    found = landed(
        warehouse,
        "leads",
        "source, created_at",
        "('crm', timestamp '2024-03-08 23:59:59')",
        "('crm', timestamp '2024-03-09 00:00:00')",
        "('crm', timestamp '2024-03-09 12:00:00')",
        "('form', timestamp '2024-03-09 12:00:00')",
    )
    assert found.to_dict("list") == {
        "source": ["crm", "crm", "form"],
        "day": [pd.Timestamp("2024-03-08"), pd.Timestamp("2024-03-09"), pd.Timestamp("2024-03-09")],
        "rows": [1, 2, 1],
        "rows_in_time": [1, 2, 1],
    }


def test_a_past_as_of_date_counts_only_rows_known_by_then(warehouse: DuckDBWarehouse) -> None:
    found = landed(
        warehouse,
        "order_lines",
        "source, ordered_at, known_at",
        "('shop', timestamp '2024-03-10 23:59:00', timestamp '2024-03-10 23:59:00')",
        # Happened before the cutoff, known after it; and happened after it.
        "('shop', timestamp '2024-03-10 12:00:00', timestamp '2024-03-11 00:00:00')",
        "('shop', timestamp '2024-03-11 00:00:00', timestamp '2024-03-11 00:00:00')",
    )
    assert found["rows"].tolist() == [1]


def test_late_rows_of_earlier_weeks_do_not_count_as_in_time(warehouse: DuckDBWarehouse) -> None:
    # The week from Monday 26 February: one order known by Monday 4 March, one only the day after.
    found = landed(
        warehouse,
        "order_lines",
        "source, ordered_at, known_at",
        "('shop', timestamp '2024-03-01 12:00:00', timestamp '2024-03-03 12:00:00')",
        "('shop', timestamp '2024-03-01 12:00:00', timestamp '2024-03-05 12:00:00')",
    )
    assert (found["rows"].tolist(), found["rows_in_time"].tolist()) == ([2], [1])


def test_days_of_spend_are_days(warehouse: DuckDBWarehouse) -> None:
    found = landed(
        warehouse, "ad_spend", "source, date", "('ads', date '2024-03-10')", "('ads', date '2024-03-11')"
    )
    assert found["day"].tolist() == [pd.Timestamp("2024-03-10")]


def test_an_empty_table_has_no_volume(warehouse: DuckDBWarehouse) -> None:
    with warehouse.connect() as connection:
        connection.execute("create schema raw")
        connection.execute("create table raw.leads (source varchar, created_at timestamp)")
    found = daily_arrivals(warehouse, CONTRACTS["leads"], as_of=MONDAY)
    assert found.empty
    assert list(found.columns) == ["source", "day", "rows", "rows_in_time"]


def days(source: str, first: str, last: str) -> pd.DataFrame:
    span = pd.date_range(first, last)
    return pd.DataFrame({"source": source, "day": span, "rows": 1, "rows_in_time": 1})


def spans(*sources: pd.DataFrame) -> dict[str, int]:
    counted = continued(pd.concat(sources)).groupby("source")["rows"].sum()
    return {str(source): int(rows) for source, rows in counted.items()}


def test_a_replaced_export_counts_for_its_successor() -> None:
    # 31 days of January, then 29 of February; the two overlap by a day, or a weekend lies between them.
    february = days("new", "2024-02-01", "2024-02-29")
    assert spans(days("old", "2024-01-01", "2024-01-31"), february) == {"new": 60}
    assert spans(days("old", "2024-01-02", "2024-02-01"), february) == {"new": 60}
    assert spans(days("old", "2023-12-29", "2024-01-28"), february) == {"new": 60}


def test_three_exports_in_a_row_are_one() -> None:
    years = [days(f"orders_{year}", f"{year}-01-01", f"{year}-12-31") for year in (2021, 2022, 2023)]
    assert spans(*years) == {"orders_2023": 3 * 365}


def test_parallel_sources_stay_separate() -> None:
    web, till = days("web", "2024-01-01", "2024-03-31"), days("till", "2024-02-01", "2024-03-31")
    assert spans(web, till) == {"web": 91, "till": 60}
    # The web shop stopped; the till, which began long before, is not its successor.
    web = days("web", "2024-01-01", "2024-03-20")
    assert spans(web, till) == {"web": 80, "till": 60}
