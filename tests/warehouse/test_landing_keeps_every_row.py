"""Whatever is delivered is loaded or rejected, and a second landing changes nothing."""

import csv
import tempfile
from pathlib import Path

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as some

from assets.ingest.landing import Landing, land, reconciliation_gaps
from assets.ingest.sources import Business, business_from

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "TimeZone": "UTC",
}
DOCUMENT = {
    "title": "Shop",
    "clock": "data",
    "last_day": "2011-12-09",
    "currency": "EUR",
    "time_zone": "Europe/Berlin",
    "first_as_of_day": "2023-01-02",
    "sources": [
        {
            "name": "orders",
            "table": "order_lines",
            "files": "{landing_dir}/*.csv",
            "columns": {
                "order_id": "id",
                "customer_id": "person",
                "ordered_at": '"when"',
                "product_id": "sku",
                "quantity": "qty",
                "unit_price": "price",
            },
        }
    ],
}
HEADER = ("id", "person", "when", "sku", "qty", "price")
# Anything a spreadsheet cell may hold, quotes, commas and line breaks included.
TEXT = some.text(
    some.characters(exclude_categories=["Cs", "Cc"]) | some.sampled_from(list('",;\n')), max_size=6
)
ROWS = some.tuples(
    some.sampled_from(["1", "2", "3", ""]) | TEXT,
    TEXT,
    some.sampled_from(["2023-01-10", "2023-03-26 02:30", "soon", ""]),
    TEXT,
    some.sampled_from(["1", "-2", "nan", "many", ""]),
    some.sampled_from(["2.5", "1e400", "free"]),
)
FILES = some.lists(some.lists(ROWS, max_size=8), min_size=1, max_size=2)


def write(folder: Path, files: list[list[tuple[str, ...]]]) -> Business:
    for number, rows in enumerate(files):
        with (folder / f"{number}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows(rows)
    return business_from(DOCUMENT, file=Path("shop.yaml"), data_dir=folder, landing_dir=folder)


def tables(connection: duckdb.DuckDBPyConnection) -> list[list[tuple[object, ...]]]:
    return [
        connection.execute(f"from raw.{table}").fetchall() for table in ("order_lines", "rejects", "landings")
    ]


@settings(max_examples=20, deadline=None)
@given(FILES)
def test_every_row_is_loaded_or_rejected_once(files: list[list[tuple[str, ...]]]) -> None:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config=SETTINGS) as connection:
        business = write(Path(folder), files)
        landings: list[Landing] = land(connection, business)
        assert [landing.rows_in for landing in landings] == [len(rows) for rows in files]
        assert reconciliation_gaps(landings) == []
        once = tables(connection)
        assert land(connection, business) == landings
        assert tables(connection) == once
        # Each order is taken from one file only.
        spread = connection.execute(
            "select order_id from raw.order_lines group by 1 having count(distinct source_file) > 1"
        ).fetchall()
        assert spread == []
        # No line of text is claimed twice.
        claimed = connection.execute(
            "select source_file, source_line from raw.order_lines union all "
            "select source_file, source_line from raw.rejects"
        ).fetchall()
        assert len(claimed) == len(set(claimed))
