"""Loading 1,000 files of three lines: seconds against those of one file with the same lines."""

import sys
import tempfile
from pathlib import Path

from assets.connections import open_duckdb
from assets.ingest.config.business import BusinessConfig, business_from
from assets.ingest.loading.load import load_sources
from benchmarks.ratio import Figure, interleaved, table

FILES, LINES = 1_000, 3
PAIRS = 3
HEADER = "id,customer,placed_at,sku,qty,price\n"
COLUMNS = {
    "order_id": "id",
    "customer_id": "customer",
    "ordered_at": "placed_at",
    "product_id": "sku",
    "quantity": "qty",
    "unit_price": "price",
}


def measure() -> Figure:
    """Load both in turns, each into an empty warehouse."""
    with tempfile.TemporaryDirectory() as folder:
        many, one = (_shop(Path(folder) / name) for name in ("many", "one"))
        lines = [_lines(number) for number in range(FILES)]
        for number, each in enumerate(lines):
            (many.landing_dir / f"orders_{number:06}.csv").write_text(HEADER + each, encoding="utf-8")
        (one.landing_dir / "orders.csv").write_text(HEADER + "".join(lines), encoding="utf-8")
        ours, limits = interleaved(lambda: _load(many), lambda: _load(one), pairs=PAIRS)
    return Figure(
        name=f"loading {FILES:,} files of {LINES} lines : one file of {FILES * LINES:,} lines",
        ours=tuple(ours),
        limits=tuple(limits),
        meaning="Each file is opened, fingerprinted and placed; files with one header share their queries.",
        alarming="Beyond 20: each file has queries of its own again.",
        notes=f"100,000 files would take {min(ours) * 100_000 / FILES / 60:.0f} minutes.",
    )


def _lines(number: int) -> str:
    return "".join(
        f"{number}-{line},C{number % 500},2023-01-{1 + number % 28:02} 10:00,tea,1,2.5\n"
        for line in range(LINES)
    )


def _shop(folder: Path) -> BusinessConfig:
    folder.mkdir()
    source = {"name": "orders", "table": "order_lines", "files": "{landing_dir}/*.csv", "columns": COLUMNS}
    document = {
        "title": "Shop",
        "clock": "wall",
        "currency": "EUR",
        "time_zone": "UTC",
        "first_as_of_day": "2023-01-02",
        "sources": [source],
    }
    return business_from(document, file=folder / "shop.yaml", data_dir=folder, landing_dir=folder)


def _load(business: BusinessConfig) -> None:
    with open_duckdb() as connection:
        records = load_sources(connection, business)
    loaded = sum(record.rows_loaded for record in records)
    if loaded != FILES * LINES:
        raise ValueError(f"{loaded:,} rows were loaded, not {FILES * LINES:,}")


if __name__ == "__main__":
    sys.stdout.write(table([measure()]))
