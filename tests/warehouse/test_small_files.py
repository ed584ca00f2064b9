"""Small CSV files that are read together give what each gives alone."""

from pathlib import Path

import pytest

from assets.connections import open_duckdb
from assets.ingest.config.business import business_from
from assets.ingest.loading.load import load_sources
from assets.ingest.parsing import batches
from tests.warehouse.reconciliation import reconciliation_gaps
from tests.warehouse.ugly import HEADER, ORDERS, cells, text

DELIVERED: dict[str, bytes] = {
    "orders_00.csv": text(cells("1"), "", cells("2", qty="two"), cells("3", "Zoé")),
    "orders_01.csv": text(cells("4"), cells("5"), end="\r\n"),
    "orders_02.csv": text(cells("6"))[:-1],  # Without a line end.
    "orders_03.csv": text(),
    "orders_04.csv": text(cells("7", sku='"a, b"'), cells("1", qty="3")),  # Order 1 again.
    "orders_05.csv": text(cells("8", qty="1.000")),  # Ambiguous here ...
    "orders_06.csv": text(cells("9", qty="1.000"), cells("10", qty="0.5")),  # ... and not here.
    "orders_07.csv": text(cells("11"), "12", cells("13")),  # Too few columns.
    "orders_08.csv": text(cells("14", sku='"a\nb"'), cells("15")),
    "orders_09.csv": text(cells("16", sku='a "b" c'), cells("17")),
    "orders_10.csv": text(cells("18")) + b"19,\xff,2023-01-10,s,1,2.5\n",
    "orders_11.csv": text(f"x,{cells('20')}", header=f"new,{HEADER}"),
    "orders_12.csv": b"",
    "orders_13.csv": b"\xef\xbb\xbf" + text(cells("21"), "", "", cells("22")),
    "orders_14.csv": text(cells("23"), cells("24"), f"{cells('25')},x"),
}


def load(folder: Path) -> tuple[object, ...]:
    """Load all files; return rows, rejects and load log."""
    document = {
        "title": "Shop", "clock": "wall", "currency": "EUR", "time_zone": "UTC",
        "first_as_of_day": "2023-01-02", "sources": [ORDERS],
    }  # fmt: skip
    business = business_from(document, file=Path("shop.yaml"), data_dir=folder, landing_dir=folder)
    with open_duckdb() as connection:
        records = load_sources(connection, business)
        assert reconciliation_gaps(records) == []
        return (
            connection.execute("from raw.order_lines").fetchall(),
            connection.execute("from raw.rejects order by source_file, source_line").fetchall(),
            records,
        )


def test_files_read_together_give_what_each_gives_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in DELIVERED.items():
        (tmp_path / name).write_bytes(content)
    together = load(tmp_path)
    monkeypatch.setattr(batches, "FILES_AT_ONCE", 1)
    alone = load(tmp_path)
    assert together == alone
    rows, rejects, _ = alone
    assert isinstance(rows, list)
    assert isinstance(rejects, list)
    loaded = ["3", "4", "5", "6", "7", "1", *map(str, (9, 10, 11, *range(13, 19), *range(20, 25)))]
    assert [row[0] for row in rows] == loaded
    assert len(rejects) == 7


def test_files_are_read_in_few_queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        (tmp_path / f"orders_{number}.csv").write_bytes(text(cells(str(number))))
    sizes: list[int] = []
    monkeypatch.setattr(
        "assets.ingest.loading.scratch.batch_small_files",
        lambda groups: [sizes.append(len(group)) or group for group in batches.batch_small_files(groups)],  # type: ignore[func-returns-value]
    )
    rows, *_ = load(tmp_path)
    assert sizes == [40]
    assert isinstance(rows, list)
    assert len(rows) == 40
