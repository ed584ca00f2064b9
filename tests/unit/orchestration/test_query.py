"""One query on the snapshot, or one line that names what is missing."""

from pathlib import Path

import duckdb
import pytest

from orchestration.cli.query import main
from orchestration.settings import Settings


@pytest.fixture
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the snapshot of an empty project would be."""
    monkeypatch.delenv("BUSINESS", raising=False)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    return Settings().snapshot_file


def asked(sql: str) -> int:
    """Run the command with ``SQL=…``; returns its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SQL", sql)
        return main()


@pytest.fixture
def published(snapshot: Path) -> Path:
    snapshot.parent.mkdir(parents=True)
    with duckdb.connect(str(snapshot)) as connection:
        connection.execute("create schema published")
        connection.execute("create table published.prediction_totals as select 42 as n_scored")
    return snapshot


def test_without_a_snapshot_the_remedy_is_printed_and_nothing_is_created(
    snapshot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked("from published.prediction_totals") == 1
    assert "does not exist yet: launch `make run` first" in capsys.readouterr().err
    assert not snapshot.exists()


def test_the_rows_are_printed(published: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert published.exists()
    assert asked("select n_scored from published.prediction_totals") == 0
    assert "42" in capfd.readouterr().out


@pytest.mark.parametrize("sql", ["", " "])
def test_without_a_query_there_is_an_example(
    published: Path, capsys: pytest.CaptureFixture[str], sql: str
) -> None:
    assert published.exists()
    assert asked(sql) == 2
    assert "give a query, for example" in capsys.readouterr().err


def test_an_error_in_the_query_is_printed_without_a_traceback(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert published.exists()
    assert asked("select nonsense from published.prediction_totals") == 1
    assert "nonsense" in capsys.readouterr().err


def test_a_query_reads_no_other_file(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = published.parent / "secret.csv"
    secret.write_text("key\nhush\n")
    assert asked(f"from '{secret}'") == 1
    assert asked(f"copy (select 1) to '{secret}'") == 1
    shown = capsys.readouterr()
    assert "hush" not in shown.out + shown.err
    assert secret.read_text() == "key\nhush\n"


def test_a_query_cannot_change_the_snapshot(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = published.read_bytes()
    assert asked("delete from published.prediction_totals") == 1
    assert "read-only" in capsys.readouterr().err
    assert published.read_bytes() == before
