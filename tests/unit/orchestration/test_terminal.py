"""A quiet terminal has one line per stage, and all other output lies in the log."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.terminal import KEPT_LOGS, Terminal, new_log, quiet, quiet_terminal

STAGES = {"landed": "loading exports", "staged": "loading exports", "scores": "scoring"}


def shown(*calls: tuple[str, str]) -> list[str]:
    """The lines after the calls of methods, each with its text or step."""
    stream = io.StringIO()
    screen = Terminal(stream)
    screen.expect(STAGES)
    for method, argument in calls:
        getattr(screen, method)(argument)
    screen.close()
    return [re.sub(r"\d+\.\d s", "T", line) for line in stream.getvalue().splitlines()]


def test_a_stage_has_one_line_with_a_dot_for_each_step() -> None:
    steps = ["landed", "raw__a_check", "staged", "scores"]
    calls = [(method, step) for step in steps for method in ("step_started", "step_ended")]
    assert shown(*calls) == ["[   T] 1/2 loading exports (2 steps) .. T", "[   T] 2/2 scoring (1 step) . T"]


def test_a_line_of_its_own_ends_the_line_of_a_stage() -> None:
    calls = [
        ("step_started", "landed"),
        ("line", "warning"),
        ("step_started", "scores"),
        ("step_started", "staged"),
    ]
    assert shown(*calls) == [
        "[   T] 1/2 loading exports (2 steps)  T",
        "warning",
        "[   T] 2/2 scoring (1 step)  T",
    ]


def test_output_of_this_process_and_of_libraries_goes_to_the_log(tmp_path: Path) -> None:
    program = (
        "import os, sys, warnings; from pathlib import Path; from orchestration.terminal import quiet\n"
        "with quiet(Path(sys.argv[1])) as screen:\n"
        "    print('printed'); warnings.warn('a warning'); os.write(1, b'from C\\n'); screen.line('a line')\n"
        "print('summary')\n"
    )
    log = tmp_path / "logs" / "run.log"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program, str(log)], text=True, capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == ("summary\n", "a line\n")
    for words in ("printed", "a warning", "from C"):
        assert words in log.read_text()


def test_the_terminal_is_back_after_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with quiet(tmp_path / "run.log"):
            assert quiet_terminal() is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert quiet_terminal() is None
    os.write(1, b"shown\n")
    assert capfd.readouterr().out == "shown\n"


def test_only_the_newest_logs_stay(tmp_path: Path) -> None:
    for number in range(KEPT_LOGS + 5):
        (tmp_path / f"run_2026-01-{number + 1:02}T000000Z.log").touch()
    log = new_log(tmp_path)
    assert len([*tmp_path.iterdir()]) == KEPT_LOGS - 1
    assert not (tmp_path / "run_2026-01-06T000000Z.log").exists()
    assert log.parent == tmp_path
    assert re.fullmatch(r"run_\d{4}-\d\d-\d\dT\d{6}Z\.log", log.name)
