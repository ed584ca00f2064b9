"""The snapshot is complete or absent, and an open reader keeps the file that it opened."""

import stat
from pathlib import Path

import duckdb
import pytest

from assets.keys import Key
from assets.publishing.snapshot import Readers, write_snapshot

TABLE = Key("published", "scores")


def warehouse_with(path: Path, value: int) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema if not exists published")
        connection.execute(f"create or replace table published.scores as select {value} as probability")
        connection.execute("create or replace view published.latest as from warehouse.published.scores")
    return path


def test_tables_and_views_are_copied_to_the_file_and_to_parquet(tmp_path: Path) -> None:
    warehouse = warehouse_with(tmp_path / "warehouse.duckdb", 1)
    file, tables = tmp_path / "s.duckdb", [TABLE, Key("published", "latest")]
    rows = write_snapshot(warehouse, tables, file=file, parquet=tmp_path / "p")
    assert rows == {"scores": 1, "latest": 1}
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("from published.latest").fetchall() == [(1,)]
    assert duckdb.sql(f"from '{tmp_path}/p/scores/scores.parquet'").fetchall() == [(1,)]


def test_a_reader_keeps_its_file_while_a_new_one_is_published(tmp_path: Path) -> None:
    warehouse, file = tmp_path / "warehouse.duckdb", tmp_path / "s.duckdb"
    write_snapshot(warehouse_with(warehouse, 1), [TABLE], file=file, parquet=tmp_path / "p")
    with duckdb.connect(str(file), read_only=True) as reader:
        write_snapshot(warehouse_with(warehouse, 2), [TABLE], file=file, parquet=tmp_path / "p")
        assert reader.execute("from published.scores").fetchall() == [(1,)]
    with duckdb.connect(str(file), read_only=True) as reader:
        assert reader.execute("from published.scores").fetchall() == [(2,)]


def test_a_failed_copy_leaves_the_old_file_and_no_temporary_files(tmp_path: Path) -> None:
    warehouse, file = tmp_path / "warehouse.duckdb", tmp_path / "s.duckdb"
    write_snapshot(warehouse_with(warehouse, 1), [TABLE], file=file, parquet=tmp_path / "p")
    with pytest.raises(duckdb.CatalogException, match="missing"):
        write_snapshot(warehouse, [TABLE, Key("published", "missing")], file=file, parquet=tmp_path / "p")
    with duckdb.connect(str(file), read_only=True) as reader:
        assert reader.execute("from published.scores").fetchall() == [(1,)]
    assert not list(tmp_path.glob(".*unfinished*"))


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


@pytest.mark.parametrize(
    ("readers", "folder", "file", "above"),
    [
        ("owner", "0700", "0600", ("0700", "0700")),
        ("group", "0750", "0640", ("0710", "0710")),
        ("everyone", "0755", "0644", ("0711", "0711")),
    ],
)
def test_the_business_says_who_may_read_what_is_published_and_nothing_else(
    tmp_path: Path, readers: Readers, folder: str, file: str, above: tuple[str, str]
) -> None:
    var, published = tmp_path / "var", tmp_path / "var" / "shop" / "published"
    # As a version without modes left them.
    published.mkdir(parents=True, mode=0o755)
    var.chmod(0o700)
    warehouse = warehouse_with(tmp_path / "var" / "shop" / "warehouse.duckdb", 1)
    warehouse.chmod(0o600)
    for _ in range(2):
        snapshot = write_snapshot(
            warehouse, [TABLE], file=published / "s.duckdb", parquet=published / "parquet", readers=readers
        )
    below = published.rglob("*")
    assert {path.name: mode(path) for path in (published, *below)} == {
        **dict.fromkeys(("published", "parquet", "scores"), folder),
        **dict.fromkeys(("s.duckdb", "scores.parquet"), file),
    }
    assert (mode(var), mode(var / "shop")) == above
    assert mode(warehouse) == "0600"
    assert snapshot == {"scores": 1}
