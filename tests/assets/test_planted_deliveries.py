"""Faults of delivery: a stopped export, lost days, floods, repetitions and clocks that disagree."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.ingest.config.business import business_from
from assets.ingest.loading.load import load_sources
from assets.keys import raw
from assets.metrics.arrays import Floats
from checks.data.defs import landing_checks
from orchestration.resources.warehouse import DuckDBWarehouse
from tests.assets.faults import FAULTS, HARMLESS, UNDETECTED
from tests.assets.judged import failed, is_detected
from tests.unit.checks.test_freshness import arrivals, as_of_after, shop
from tests.warehouse import ugly

ORDER_LINES = raw("order_lines")
# The week with the fault, after two years of 100 orders a day; and its days.
WEEK = 110
DAYS = slice(7 * WEEK, 7 * WEEK + 7)


def stopped(counts: Floats) -> Floats:
    return np.where(np.arange(counts.size) >= 7 * WEEK, 0.0, counts)


def three_days_lost(counts: Floats) -> Floats:
    counts[7 * WEEK + 1 : 7 * WEEK + 4] = 0
    return counts


def bots(counts: Floats) -> Floats:
    counts[7 * WEEK + 3] *= 50
    return counts


def doubled(counts: Floats) -> Floats:
    counts[DAYS] *= 2
    return counts


def a_day_late(counts: Floats) -> Floats:
    return np.concatenate([[0.0], counts[:-1]])


INJECTED: dict[str, Callable[[Floats], Floats]] = {
    "the export of orders stops": stopped,
    "three days of orders are lost in the middle of a week": three_days_lost,
    "bots multiply one day by 50": bots,
    "each line of a week is in its file twice": doubled,
    "all dates of an export are a day late": a_day_late,
}


def delivered(folder: Path, counts: Floats) -> DuckDBWarehouse:
    """A warehouse with ``counts`` order lines on each day."""
    warehouse = DuckDBWarehouse(database=str(folder / "warehouse.duckdb"))
    daily = arrivals(counts)
    days = daily["day"].repeat(daily["rows"].astype(int).tolist()).reset_index(drop=True)
    rows = pd.DataFrame({"source": "orders", "ordered_at": days, "known_at": days})
    warehouse.replace(ORDER_LINES, rows)
    return warehouse


def arrival_checks(warehouse: DuckDBWarehouse, *, as_of: date) -> dict[str, str]:
    named = ("sources_are_fresh", "row_volume_is_normal")
    checks = [check for check in landing_checks() if next(iter(check.check_specs)).name in named]
    return failed(checks, warehouse, as_of=as_of, of=[ORDER_LINES])


@pytest.mark.parametrize("name", INJECTED)
def test_an_unusual_delivery_is_detected_on_the_next_as_of_date(tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    warehouse = delivered(tmp_path, INJECTED[name](shop(WEEK + 1, rows=100)))
    detected = is_detected(fault, arrival_checks(warehouse, as_of=as_of_after(WEEK + 1)), as_of_dates=0)
    assert detected == (fault.check != UNDETECTED)


def test_a_usual_delivery_passes(tmp_path: Path) -> None:
    warehouse = delivered(tmp_path, shop(WEEK + 1, rows=100))
    assert arrival_checks(warehouse, as_of=as_of_after(WEEK + 1)) == {}


MONDAY = date(2023, 1, 30)
FOUR_WEEKS = [MONDAY - timedelta(days=back) for back in range(28, 0, -1)]


def landed(folder: Path, **mapped: str) -> DuckDBWarehouse:
    """A warehouse with the files of ``folder`` loaded; ``mapped`` are further columns."""
    columns = {**ugly.COLUMNS, **mapped}
    document = {
        "title": "Shop",
        "clock": "wall",
        "currency": "EUR",
        "time_zone": "UTC",
        "first_as_of_day": "2023-01-02",
        "sources": [{**ugly.ORDERS, "columns": columns}],
    }
    business = business_from(document, file=Path("shop.yaml"), data_dir=folder, landing_dir=folder)
    warehouse = DuckDBWarehouse(database=str(folder / "warehouse.duckdb"))
    with warehouse.connect() as connection:
        load_sources(connection, business)
    return warehouse


def deliver(folder: Path, name: str, *lines: str, header: str = ugly.HEADER) -> None:
    (folder / name).write_text("\n".join((header, *lines)) + "\n")


def landing_failures(warehouse: DuckDBWarehouse) -> dict[str, str]:
    return failed(landing_checks(), warehouse, as_of=MONDAY, of=[ORDER_LINES])


def test_a_file_delivered_twice_counts_once_and_is_rejected_once(tmp_path: Path) -> None:
    fault = FAULTS["a file is delivered twice"]
    lines = [ugly.cells(f"o{day}", when=str(day)) for day in FOUR_WEEKS]
    deliver(tmp_path, "orders_1.csv", *lines)
    deliver(tmp_path, "orders_2.csv", *lines)
    warehouse = landed(tmp_path)
    assert len(warehouse.read("from raw.order_lines")) == len(lines)
    rejects = warehouse.read("select source_file, reason from raw.rejects")
    assert set(rejects["source_file"]) == {"orders_1.csv"}
    assert rejects["reason"].str.contains(f"{fault.message} orders_2.csv").sum() == len(lines)
    assert (fault.check, landing_failures(warehouse)) == (HARMLESS, {})


def test_two_equal_lines_of_one_order_both_count(tmp_path: Path) -> None:
    fault = FAULTS["one line of an order is in its file twice"]
    lines = [ugly.cells(f"o{day}", when=str(day)) for day in FOUR_WEEKS]
    deliver(tmp_path, "orders_1.csv", *lines, lines[-1])
    warehouse = landed(tmp_path)
    assert len(warehouse.read("from raw.order_lines")) == len(lines) + 1
    assert (fault.check, landing_failures(warehouse)) == (UNDETECTED, {})


def test_orders_known_before_they_were_placed_are_rejected_and_then_missing(tmp_path: Path) -> None:
    fault = FAULTS["orders are known before they were placed, because two clocks disagree by an hour"]
    times = [datetime.combine(day, datetime.min.time()) + timedelta(hours=12) for day in FOUR_WEEKS]
    lines = [
        f"{ugly.cells(f'o{at:%m%d}', when=str(at))},{at - timedelta(hours=at.date() >= FOUR_WEEKS[-7])}"
        for at in times
    ]
    deliver(tmp_path, "orders_1.csv", *lines, header=f"{ugly.HEADER},exported")
    warehouse = landed(tmp_path, known_at="exported")
    reasons = warehouse.read("select reason from raw.rejects")["reason"]
    assert (
        reasons.str.contains("known_at 2023-01-29 11:00:00 is before ordered_at 2023-01-29 12:00:00").sum()
        == 1
    )
    assert len(reasons) == 7
    assert is_detected(fault, landing_failures(warehouse), as_of_dates=0)
