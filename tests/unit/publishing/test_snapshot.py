"""Published files are of one run, complete or absent, and an open reader keeps the file that it opened."""

import stat
import threading
from pathlib import Path

import duckdb
import pytest

from assets.keys import Key
from assets.publishing.snapshot import RUNS, SNAPSHOT_FILE, Readers, write_snapshot

TABLE = Key("published", "scores")


def warehouse_with(path: Path, value: int) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema if not exists published")
        connection.execute(f"create or replace table published.scores as select {value} as probability")
        connection.execute("create or replace view published.latest as from warehouse.published.scores")
    return path


def test_tables_and_views_are_copied_to_the_file_and_to_parquet(tmp_path: Path) -> None:
    warehouse = warehouse_with(tmp_path / "warehouse.duckdb", 1)
    published, tables = tmp_path / "p", [TABLE, Key("published", "latest")]
    rows = write_snapshot(warehouse, tables, published=published)
    assert rows == {"scores": 1, "latest": 1}
    with duckdb.connect(str(published / SNAPSHOT_FILE), read_only=True) as connection:
        assert connection.execute("from published.latest").fetchall() == [(1,)]
    assert duckdb.sql(f"from '{published}/parquet/scores/scores.parquet'").fetchall() == [(1,)]


def test_comments_on_tables_and_columns_are_copied(tmp_path: Path) -> None:
    warehouse, published = warehouse_with(tmp_path / "warehouse.duckdb", 1), tmp_path / "p"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("comment on table published.scores is 'One row per customer''s score.'")
        connection.execute("comment on column published.scores.probability is 'In [0, 1].'")
    write_snapshot(warehouse, [TABLE, Key("published", "latest")], published=published)
    with duckdb.connect(str(published / SNAPSHOT_FILE), read_only=True) as connection:
        tables = connection.execute("select table_name, comment from duckdb_tables()").fetchall()
        columns = connection.execute("select table_name, comment from duckdb_columns() where not internal")
        assert sorted(tables) == [("latest", None), ("scores", "One row per customer's score.")]
        assert sorted(columns.fetchall()) == [("latest", None), ("scores", "In [0, 1].")]


def test_a_reader_keeps_its_file_while_a_new_one_is_published(tmp_path: Path) -> None:
    warehouse, published = tmp_path / "warehouse.duckdb", tmp_path / "p"
    file = published / SNAPSHOT_FILE
    write_snapshot(warehouse_with(warehouse, 1), [TABLE], published=published)
    with duckdb.connect(str(file), read_only=True) as reader:
        write_snapshot(warehouse_with(warehouse, 2), [TABLE], published=published)
        assert reader.execute("from published.scores").fetchall() == [(1,)]
    with duckdb.connect(str(file), read_only=True) as reader:
        assert reader.execute("from published.scores").fetchall() == [(2,)]


def test_a_failed_copy_leaves_the_old_file_and_no_temporary_files(tmp_path: Path) -> None:
    warehouse, published = tmp_path / "warehouse.duckdb", tmp_path / "p"
    file = published / SNAPSHOT_FILE
    write_snapshot(warehouse_with(warehouse, 1), [TABLE], published=published)
    with pytest.raises(duckdb.CatalogException, match="missing"):
        write_snapshot(warehouse, [TABLE, Key("published", "missing")], published=published)
    with duckdb.connect(str(file), read_only=True) as reader:
        assert reader.execute("from published.scores").fetchall() == [(1,)]
    assert len([*(published / RUNS).iterdir()]) == 1


def test_pages_are_replaced_together_with_the_tables_they_are_about(tmp_path: Path) -> None:
    warehouse, published = tmp_path / "warehouse.duckdb", tmp_path / "p"

    def write(snapshot: Path, folder: Path) -> None:
        folder.mkdir()
        with duckdb.connect(str(snapshot), read_only=True) as connection:
            row = connection.execute("select probability from published.scores").fetchone()
        (folder / "index.html").write_text(f"{row}")

    def refuse(_snapshot: Path, _folder: Path) -> None:
        raise ValueError("no page")

    write_snapshot(warehouse_with(warehouse, 1), [TABLE], published=published, write_pages=write)
    page = published / "reports" / "index.html"
    assert page.read_text() == "(1,)"
    with pytest.raises(ValueError, match="no page"):
        write_snapshot(warehouse_with(warehouse, 2), [TABLE], published=published, write_pages=refuse)
    assert page.read_text() == "(1,)"
    write_snapshot(warehouse_with(warehouse, 2), [TABLE], published=published, write_pages=write)
    assert page.read_text() == "(2,)"
    assert page.resolve().parents[1] == (published / SNAPSHOT_FILE).resolve().parent


def value_of(source: str) -> int:
    with duckdb.connect(config={"temp_directory": ""}) as connection:
        ((value,),) = connection.execute(f"select probability from {source}").fetchall()
    return int(value)


class Reader(threading.Thread):
    """Looks up the current run and reads each of its files, again and again, until it is stopped."""

    def __init__(self, published: Path) -> None:
        super().__init__()
        self.published, self.stopped = published, threading.Event()
        self.seen: list[set[int]] = []
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            while not self.stopped.is_set():
                run = (self.published / "current").resolve(strict=True)
                parquet = [f"'{run}/parquet/{name}/{name}.parquet'" for name in ("scores", "latest")]
                with duckdb.connect(str(run / SNAPSHOT_FILE), read_only=True) as connection:
                    ((value,),) = connection.execute("select probability from published.scores").fetchall()
                self.seen.append({value, *map(value_of, parquet)})
        except (duckdb.Error, OSError) as error:
            self.error = error

    def has_read_again(self) -> bool:
        """Wait for one more complete reading; at most one run is published during any of them."""
        before, waited = len(self.seen), threading.Event()
        while len(self.seen) == before and self.is_alive():
            waited.wait(0.001)
        return self.error is None


def test_a_reader_during_publishing_reads_all_files_of_one_run(tmp_path: Path) -> None:
    warehouse, published = tmp_path / "warehouse.duckdb", tmp_path / "p"
    tables = [TABLE, Key("published", "latest")]
    write_snapshot(warehouse_with(warehouse, 0), tables, published=published)
    reader = Reader(published)
    reader.start()
    for value in range(1, 31):
        write_snapshot(warehouse_with(warehouse, value), tables, published=published)
        if not reader.has_read_again():
            break
    reader.stopped.set()
    reader.join()
    assert reader.error is None
    assert [values for values in reader.seen if len(values) != 1] == []
    seen = [values.pop() for values in reader.seen]
    assert seen == sorted(seen)
    assert len(set(seen)) > 20


def test_the_last_two_runs_stay_and_on_demand_one(tmp_path: Path) -> None:
    warehouse, published = tmp_path / "warehouse.duckdb", tmp_path / "p"
    for value in range(4):
        write_snapshot(warehouse_with(warehouse, value), [TABLE], published=published)
        assert value_of(f"'{published}/parquet/scores/scores.parquet'") == value
    kept = {value_of(f"'{run}/parquet/scores/scores.parquet'") for run in (published / RUNS).iterdir()}
    assert kept == {2, 3}
    # As after an erasure: the run before holds what was erased.
    write_snapshot(warehouse_with(warehouse, 4), [TABLE], published=published, kept_runs=1)
    assert [*(published / RUNS).iterdir()] == [(published / "current").resolve()]


def test_files_that_an_earlier_version_published_become_links(tmp_path: Path) -> None:
    published = tmp_path / "p"
    (published / "parquet" / "gone").mkdir(parents=True)
    (published / "parquet" / "gone" / "gone.parquet").touch()
    (published / SNAPSHOT_FILE).write_bytes(b"of an earlier version")
    write_snapshot(warehouse_with(tmp_path / "warehouse.duckdb", 2), [TABLE], published=published)
    assert (published / SNAPSHOT_FILE).is_symlink()
    assert [path.name for path in (published / "parquet").iterdir()] == ["scores"]


def test_the_published_folder_may_be_moved(tmp_path: Path) -> None:
    write_snapshot(warehouse_with(tmp_path / "warehouse.duckdb", 2), [TABLE], published=tmp_path / "p")
    (tmp_path / "p").rename(tmp_path / "moved")
    assert value_of(f"'{tmp_path}/moved/parquet/scores/scores.parquet'") == 2


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
    (published / "parquet").mkdir(mode=0o755)
    for _ in range(2):
        snapshot = write_snapshot(warehouse, [TABLE], published=published, readers=readers)
    below = [path for path in published.rglob("*") if not path.is_symlink()]
    assert {mode(path) for path in (published, *below) if path.is_dir()} == {folder}
    assert {mode(path) for path in below if path.is_file()} == {file}
    assert (mode(var), mode(var / "shop")) == above
    assert mode(warehouse) == "0600"
    assert snapshot == {"scores": 1}
