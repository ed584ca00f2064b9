"""A quiet terminal: one line per stage of a run, and everything else in a log file."""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

STDOUT, STDERR = 1, 2
KEPT_LOGS = 20


class Terminal:
    """Lines for a person, while what libraries print goes elsewhere.

    Args:
        stream: The terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._started = self._stage_started = time.monotonic()
        self._stages: list[str] = []
        self._stage_of: Mapping[str, str] = {}
        self._steps: Counter[str] = Counter()
        self._place = -1
        self._is_open = False

    def expect(self, stage_of: Mapping[str, str]) -> None:
        """Announce the steps of the run.

        Args:
            stage_of: The stage of each step that counts, stages in order; other steps, such as checks, are
                not shown.
        """
        self._stage_of, self._stages = stage_of, list(dict.fromkeys(stage_of.values()))
        self._steps = Counter(stage_of.values())

    def line(self, text: str) -> None:
        """Write a line of its own, after the unfinished one of a stage."""
        self._end_stage()
        self._write(f"{text}\n")

    def event(self, text: str) -> None:
        """Write a line of its own that begins with the time since the start."""
        self.line(f"[{time.monotonic() - self._started:6.1f} s] {text}")

    def step_started(self, step: str) -> None:
        """Begin the line of the step's stage, unless it has begun; a stage is never begun twice."""
        stage = self._stage_of.get(step)
        if stage is None or self._stages.index(stage) <= self._place:
            return
        self._end_stage()
        self._place, self._stage_started = self._stages.index(stage), time.monotonic()
        elapsed, steps = self._stage_started - self._started, self._steps[stage]
        counted = f"{self._place + 1}/{len(self._stages)}"
        self._write(f"[{elapsed:6.1f} s] {counted} {stage} ({steps} step{'' if steps == 1 else 's'}) ")
        self._is_open = True

    def step_ended(self, step: str) -> None:
        """Show that a step of a stage has ended, by a dot."""
        if step in self._stage_of and self._is_open:
            self._write(".")

    def close(self) -> None:
        """End the unfinished line."""
        self._end_stage()

    def _end_stage(self) -> None:
        if self._is_open:
            self._write(f" {time.monotonic() - self._stage_started:.1f} s\n")
            self._is_open = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


_quiet: list[Terminal] = []


def quiet_terminal() -> Terminal | None:
    """The terminal while it is quiet; ``None`` while everything is shown."""
    return _quiet[-1] if _quiet else None


@contextmanager
def quiet(log: Path) -> Iterator[Terminal]:
    """Write all that this process prints, and its libraries, to ``log``; yields the terminal.

    Args:
        log: The log file; replaced.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(STDOUT), os.dup(STDERR)
    with log.open("w", encoding="utf-8") as file, os.fdopen(os.dup(STDERR), "w", encoding="utf-8") as stream:
        os.dup2(file.fileno(), STDOUT)
        os.dup2(file.fileno(), STDERR)
        screen = Terminal(stream)
        _quiet.append(screen)
        try:
            yield screen
        finally:
            _quiet.remove(screen)
            screen.close()
            sys.stdout.flush()
            sys.stderr.flush()
            for kept, number in zip(saved, (STDOUT, STDERR), strict=True):
                os.dup2(kept, number)
                os.close(kept)


def new_log(folder: Path) -> Path:
    """Path of the log file of a run that starts now; all but the newest logs are deleted.

    Args:
        folder: Folder of the logs.
    """
    for old in sorted(folder.glob("run_*.log"))[: -(KEPT_LOGS - 1)]:
        old.unlink()
    return folder / f"run_{time.strftime('%Y-%m-%dT%H%M%SZ', time.gmtime())}.log"
