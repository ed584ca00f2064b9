"""Refusals of a command become one line and an exit code; other errors are not hidden."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from assets.ingest.config.business import BusinessInvalid
from orchestration.cli.session import NothingBuilt, Session, UsageError, command
from orchestration.resources.locks import ResourceLocked, run_lock
from orchestration.settings import Dates, Settings


def raising(error: Exception) -> Callable[[], int]:
    def main() -> int:
        raise error

    return main


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session.open(Settings(var_dir=tmp_path))


@pytest.mark.parametrize(
    ("error", "code"),
    [(BusinessInvalid("no sources"), 2), (UsageError("no id"), 2), (ResourceLocked("open in python"), 1)],
)
def test_a_refusal_is_one_line_and_an_exit_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(raising(error))() == code
    assert capsys.readouterr().err == f"{error}\n"


def test_a_command_can_reserve_exit_code_1() -> None:
    assert command(raising(ResourceLocked("open in python")), refused=2)() == 2


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("FROM", "2023-02-30", "FROM: its value is not a date such as 2024-01-31"),
        ("SIZE", "huge", "SIZE: its value is not one of 'tiny', 'default', 'large'"),
    ],
)
def test_a_value_that_is_refused_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    assert command(lambda: len([Dates(), Settings()]))() == 2
    assert capsys.readouterr().err == f"{words}\n"


def test_another_error_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        command(raising(ZeroDivisionError()))()


def test_opening_a_session_creates_nothing(session: Session, tmp_path: Path) -> None:
    assert session.business.name == "sample_shop"
    assert session.now.tzinfo is None
    assert not list(tmp_path.iterdir())


def test_a_command_that_needs_tables_is_refused_before_the_first_run(session: Session) -> None:
    with pytest.raises(NothingBuilt, match=r"warehouse\.duckdb does not exist yet: launch `make run` first"):
        session.require_warehouse()


def test_a_session_holds_the_run_lock_of_its_business(session: Session) -> None:
    with (
        session.locked("erase"),
        pytest.raises(ResourceLocked, match=r"run erase .* holds the run lock"),
        run_lock(session.warehouse.lock_file, run_id="second", timeout=timedelta(0)),
    ):
        pytest.fail("two holders of one lock")
