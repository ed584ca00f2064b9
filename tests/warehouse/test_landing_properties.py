"""Whatever is delivered is loaded or rejected, once, whether it comes at once or file by file."""

import csv
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from assets.ingest.config.business import BusinessConfig, business_from
from assets.ingest.loading.load import load_sources, quarantined_files
from tests.warehouse.reconciliation import reconciliation_gaps

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "TimeZone": "UTC",
    "threads": 1,
    "temp_directory": "",
}
HEADER = ("id", "person", "when", "sku", "qty", "price")
# Anything a spreadsheet cell may hold: quotes, delimiters, line breaks, blanks, any writing.
TEXT = some.text(
    some.characters(exclude_categories=["Cs", "Cc"]) | some.sampled_from(list('",;\n\t ')), max_size=6
)
ROWS = some.tuples(
    some.sampled_from(["1", "2", "3", ""]) | TEXT,
    TEXT,
    some.sampled_from(["2023-01-10", "2023-03-26 02:30", "10.01.2023", "soon", ""]),
    TEXT,
    some.sampled_from(["1", "-2", "nan", "many", "1,5", ""]),
    some.sampled_from(["2.5", "1e400", "free"]),
)
FILES = some.lists(some.lists(ROWS, max_size=6), min_size=1, max_size=3)

Rows = list[tuple[str, ...]]


def as_csv(path: Path, rows: Rows) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows)


def as_json_lines(path: Path, rows: Rows) -> None:
    path.write_text("".join(f"{json.dumps(dict(zip(HEADER, row, strict=True)))}\n" for row in rows))


def as_parquet(path: Path, rows: Rows) -> None:
    columns = zip(*rows, strict=True) if rows else [()] * len(HEADER)
    pq.write_table(
        pa.table(
            {name: pa.array(list(values), pa.string()) for name, values in zip(HEADER, columns, strict=True)}
        ),
        path,
    )


WRITERS: Mapping[str, Callable[[Path, Rows], None]] = {
    "csv": as_csv,
    "jsonl": as_json_lines,
    "parquet": as_parquet,
}


def business(folder: Path) -> BusinessConfig:
    columns = {
        "order_id": "id",
        "customer_id": "person",
        "ordered_at": '"when"',
        "product_id": "upper(sku)",
        "quantity": "qty",
        "unit_price": "price",
    }
    source = {"name": "orders", "table": "order_lines", "files": "{landing_dir}/*", "columns": columns}
    document = {
        "title": "Shop",
        "clock": "wall",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "first_as_of_day": "2023-01-02",
        "sources": [source],
    }
    return business_from(document, file=Path("shop.yaml"), data_dir=folder, landing_dir=folder)


def stored(connection: duckdb.DuckDBPyConnection) -> list[list[tuple[object, ...]]]:
    return [
        connection.execute(f"from raw.{table}").fetchall() for table in ("order_lines", "rejects", "load_log")
    ]


@pytest.mark.parametrize("kind", WRITERS)
def test_every_row_is_accounted_for_however_it_comes(kind: str) -> None:
    @settings(max_examples=8, deadline=None, derandomize=True, database=None)
    @given(FILES)
    def holds(files: list[Rows]) -> None:
        with (
            tempfile.TemporaryDirectory() as name,
            duckdb.connect(config=SETTINGS) as growing,
            duckdb.connect(config=SETTINGS) as at_once,
        ):
            folder = Path(name)
            for number, rows in enumerate(files):
                WRITERS[kind](folder / f"{number}.{kind}", rows)
                grown = load_sources(growing, business(folder))
            landings = load_sources(at_once, business(folder))
            # Loaded and rejected are what came in, which is what was written.
            assert [landing.rows_in for landing in landings] == [len(rows) for rows in files]
            assert reconciliation_gaps(landings) == []
            assert quarantined_files(landings) == []
            once = stored(at_once)
            # Again changes nothing, and file by file is the same as all at once.
            assert load_sources(at_once, business(folder)) == landings == grown
            assert stored(at_once) == once
            assert stored(growing) == once
            assert_each_row_once(at_once)

    holds()


def assert_each_row_once(connection: duckdb.DuckDBPyConnection) -> None:
    """Each order is taken from one file only, and no line of a file is claimed twice."""
    spread = connection.execute(
        "select order_id from raw.order_lines group by 1 having count(distinct source_file) > 1"
    ).fetchall()
    assert spread == []
    claimed = connection.execute(
        "select source_file, source_line from raw.order_lines union all "
        "select source_file, source_line from raw.rejects"
    ).fetchall()
    assert len(claimed) == len(set(claimed))
