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
    assert main(["from published.prediction_totals"]) == 1
    assert "does not exist yet: launch `make run` first" in capsys.readouterr().err
    assert not snapshot.exists()


def test_the_rows_are_printed(published: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert published.exists()
    assert main(["select n_scored from published.prediction_totals"]) == 0
    assert "42" in capfd.readouterr().out


@pytest.mark.parametrize("arguments", [[], [" "], ["select 1", "select 2"]])
def test_without_one_query_there_is_an_example(
    published: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert published.exists()
    assert main(arguments) == 2
    assert "give a query, for example" in capsys.readouterr().err


def test_an_error_in_the_query_is_printed_without_a_traceback(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert published.exists()
    assert main(["select nonsense from published.prediction_totals"]) == 1
    assert "nonsense" in capsys.readouterr().err


def test_a_query_cannot_change_the_snapshot(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = published.read_bytes()
    assert main(["delete from published.prediction_totals"]) == 1
    assert "read-only" in capsys.readouterr().err
    assert published.read_bytes() == before
