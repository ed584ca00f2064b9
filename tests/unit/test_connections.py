"""Connections fetch nothing, and touch files only where they must."""

from pathlib import Path

import duckdb
import pytest

from assets.connections import open_duckdb

TOO_MUCH = "create temp table big as select range as i, repeat('x', 100) || range as text from range(1000000)"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "a name with 'ü'.duckdb"
    with open_duckdb(file) as connection:
        connection.execute("create table numbers as select range as i from range(3)")
        connection.execute(f"copy numbers to '{tmp_path / 'numbers.csv'}'")
    return file


@pytest.mark.parametrize("reads_files", [True, False])
@pytest.mark.parametrize(
    "sql", ["select '127.0.0.1'::inet", "install httpfs", "load httpfs", "from 'https://127.0.0.1:1/x.csv'"]
)
def test_no_extension_is_fetched(sql: str, tmp_path: Path, *, reads_files: bool) -> None:
    with open_duckdb(reads_files=reads_files) as connection:
        connection.execute(f"set extension_directory = '{tmp_path}'") if reads_files else None
        # Nothing here answers; with the default settings the statement would ask a server.
        connection.execute("set custom_extension_repository = 'http://127.0.0.1:1'")
        with pytest.raises(duckdb.Error):
            connection.execute(sql)


@pytest.mark.parametrize("reads_files", [True, False])
def test_no_extension_is_loaded_unasked(*, reads_files: bool) -> None:
    with open_duckdb(reads_files=reads_files) as connection:
        for name in (
            "autoinstall_known_extensions",
            "autoload_known_extensions",
            "allow_community_extensions",
        ):
            assert connection.execute(f"select current_setting('{name}')").fetchall() == [(False,)]


@pytest.mark.parametrize(
    "sql",
    [
        "from 'numbers.csv'", "from read_text('/etc/passwd')", "copy numbers to 'copy.csv'",
        "attach 'other.duckdb'", "set enable_external_access = true", "set temp_directory = '/tmp'",
        "export database 'all'",
    ],
)  # fmt: skip
def test_sql_of_a_consumer_reaches_no_file(
    sql: str, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    with open_duckdb(database, is_read_only=True, reads_files=False) as connection:
        assert connection.execute("select count(*) from numbers").fetchall() == [(3,)]
        with pytest.raises(duckdb.Error, match=r"disabled|while database is running"):
            connection.execute(sql)
    assert sorted(tmp_path.iterdir()) == before


def test_times_are_utc_in_every_cursor() -> None:
    with open_duckdb() as connection, connection.cursor() as cursor:
        for each in (connection, cursor):
            assert each.execute("select current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_what_memory_cannot_hold_goes_to_the_given_folder_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with open_duckdb(spill=tmp_path / "spill") as connection:
        connection.execute(f"set memory_limit = '60MB'; {TOO_MUCH}")
        assert any((tmp_path / "spill").iterdir())
    with open_duckdb() as connection, pytest.raises(duckdb.OutOfMemoryException):
        connection.execute(f"set memory_limit = '60MB'; {TOO_MUCH}")
    assert not any((tmp_path / "work").iterdir())
