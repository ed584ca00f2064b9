"""Files that come later are added to what was landed, with the outcome of landing them all at once."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.ingest.config.business import BusinessConfig, business_from
from assets.ingest.loading.load import LoadRecord, load_sources, quarantined_files
from assets.ingest.loading.scratch import load_into_scratch
from assets.ingest.parsing.readers import read
from tests.warehouse.reconciliation import reconciliation_gaps

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "TimeZone": "UTC",
    "temp_directory": "",
}
EVENTS = {
    "name": "web",
    "table": "events",
    "files": "{landing_dir}/*.parquet",
    "columns": {
        "visitor_id": "visitor",
        "occurred_at": '"at"',
        "event_type": "what",
        "customer_id": "customer",
    },
}
TABLES = ("events", "rejects", "load_log")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=SETTINGS) as opened:
        yield opened


def business(folder: Path, **changes: object) -> BusinessConfig:
    document = {
        "title": "Shop",
        "clock": "wall",
        "currency": "EUR",
        "time_zone": "UTC",
        "first_as_of_day": "2023-01-02",
        "sources": [{**EVENTS, **changes}],
    }
    return business_from(document, file=Path("shop.yaml"), data_dir=folder, landing_dir=folder)


def write(folder: Path, day: int, *visitors: str, customer: object = "C1") -> Path:
    """One day's file: each visitor once, at midnight."""
    at = pa.array([datetime(2023, 1, day)] * len(visitors), pa.timestamp("us"))  # noqa: DTZ001
    columns = {"visitor": visitors, "at": at, "what": ["view"] * len(visitors)}
    path = folder / f"2023-01-{day:02}.parquet"
    pq.write_table(pa.table({**columns, "customer": [customer] * len(visitors)}), path)
    return path


def stored(connection: duckdb.DuckDBPyConnection) -> list[list[tuple[object, ...]]]:
    return [connection.execute(f"from raw.{table}").fetchall() for table in TABLES]


def loaded_at_once(folder: Path) -> list[list[tuple[object, ...]]]:
    """What all the files of ``folder`` give in an empty warehouse."""
    with duckdb.connect(config=SETTINGS) as empty:
        assert reconciliation_gaps(load_sources(empty, business(folder))) == []
        return stored(empty)


@pytest.fixture
def read_files(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The names of the files that each landing read."""
    seen: list[list[str]] = []

    def watched(*arguments: object, **named: object) -> None:
        seen.append([file.name for file in named["files"]])  # type: ignore[attr-defined]
        load_into_scratch(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("assets.ingest.loading.load.load_into_scratch", watched)
    return seen


def test_only_new_files_are_read_when_they_deliver_nothing_again(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, read_files: list[list[str]]
) -> None:
    write(tmp_path, 1, "a", "b", "")
    load_sources(connection, business(tmp_path))
    write(tmp_path, 2, "a", "")
    (tmp_path / "2023-01-03.parquet").write_bytes(b"PAR1 cut")
    landings = load_sources(connection, business(tmp_path))
    assert read_files == [["2023-01-01.parquet"], ["2023-01-02.parquet", "2023-01-03.parquet"]]
    assert [(it.rows_in, it.rows_loaded, it.rows_rejected) for it in landings] == [
        (3, 2, 1),
        (2, 1, 1),
        (1, 0, 1),
    ]
    assert len(quarantined_files(landings)) == 1
    assert stored(connection) == loaded_at_once(tmp_path)


def test_a_file_that_redelivers_a_key_rebuilds_the_table(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, read_files: list[list[str]]
) -> None:
    first = write(tmp_path, 1, "a", "b")
    load_sources(connection, business(tmp_path))
    (tmp_path / "2023-01-02.parquet").write_bytes(first.read_bytes())
    landings = load_sources(connection, business(tmp_path))
    assert len(read_files) == 3
    assert [(it.rows_loaded, it.rows_rejected) for it in landings] == [(0, 2), (2, 0)]
    assert stored(connection) == loaded_at_once(tmp_path)


def test_a_file_before_the_others_rebuilds_the_table(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, read_files: list[list[str]]
) -> None:
    write(tmp_path, 2, "a")
    load_sources(connection, business(tmp_path))
    write(tmp_path, 1, "b")
    load_sources(connection, business(tmp_path))
    assert read_files[1] == ["2023-01-01.parquet", "2023-01-02.parquet"]
    assert stored(connection) == loaded_at_once(tmp_path)


def test_in_one_transaction_every_landing_sees_its_own_files(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    connection.execute("begin transaction")
    for day in (1, 2, 3):
        write(tmp_path, day, f"v{day}")
        load_sources(connection, business(tmp_path))
    connection.execute("commit")
    assert stored(connection) == loaded_at_once(tmp_path)


def test_files_of_one_schema_are_read_in_one_go_and_land_as_if_read_alone(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Schemas A B A B A: customer is text, then a double, and so on; day 5 has a row to reject.
    for day in range(1, 6):
        write(tmp_path, day, "a", "b" if day < 5 else "", customer="C1" if day % 2 else 7.0)
    groups: list[list[int]] = []

    def watched(scratch: object, files: object, mapping: object) -> object:
        groups.append([each.number for each in files])  # type: ignore[attr-defined]
        return read(scratch, files, mapping)  # type: ignore[arg-type]

    monkeypatch.setattr("assets.ingest.loading.scratch.read", watched)
    together: list[LoadRecord] = load_sources(connection, business(tmp_path))
    assert groups == [[0, 2, 4], [1, 3]]
    assert [it.rows_in for it in together] == [2] * 5
    ids = connection.execute(
        "select source_file, customer_id from raw.events where source_line = 1"
    ).fetchall()
    assert ids == [(f"2023-01-0{day}.parquet", "C1" if day % 2 else "7") for day in range(1, 6)]
    in_one_go = stored(connection)
    monkeypatch.setattr(
        "assets.ingest.loading.scratch.schema_groups", lambda _scratch, files: [(each,) for each in files]
    )
    assert loaded_at_once(tmp_path) == in_one_go
    assert [reject[3] for reject in in_one_go[1]] == [2]


def test_one_damaged_file_among_many_is_kept_apart(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    # The footer is whole, so that the schema fits; the values are not.
    for day in (1, 2, 3):
        path = write(tmp_path, day, *(f"visitor {number}" for number in range(500)))
        if day == 2:
            content = bytearray(path.read_bytes())
            content[10:200] = b"\xff" * 190
            path.write_bytes(content)
    landings = load_sources(connection, business(tmp_path))
    assert [it.rows_loaded for it in landings] == [500, 0, 500]
    assert [text.split(":")[0] for text in quarantined_files(landings)] == ["2023-01-02.parquet (web)"]
    assert reconciliation_gaps(landings) == []


def test_files_of_the_same_name_in_both_folders_are_distinct(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    data, landing = tmp_path / "data", tmp_path / "landing"
    for folder, visitor in ((data, "a"), (landing, "b")):
        folder.mkdir()
        write(folder, 1, visitor)
    globs = ("{data_dir}/*.parquet", "{landing_dir}/*.parquet")
    both = business(tmp_path, files=globs).model_copy(update={"data_dir": data, "landing_dir": landing})
    landings = load_sources(connection, both)
    assert reconciliation_gaps(landings) == []
    assert [it.source_file for it in landings] == ["2023-01-01.parquet", str(landing / "2023-01-01.parquet")]
