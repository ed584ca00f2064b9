"""One run at a time in one business, whoever started it, and a sign by which a killed run is known.

Dagster's pool makes the runs of its queue take turns, but ``make run`` does not stand in that queue: two
runs at once would write the same exports and land each other's halves. Locks of the operating system
decide instead, because they go with the process however it ends.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

SIGNS = "alive"
# A look costs microseconds; waiting longer would only lengthen every hand-over.
BETWEEN_LOOKS = timedelta(milliseconds=200)
BETWEEN_WORDS = timedelta(minutes=1)

Found = TypeVar("Found")


class ResourceLocked(Exception):
    """Another process holds a file; the words name the file, the holder and the remedy."""


def retry_while_locked(
    attempt: Callable[[], Found],
    *,
    patience: timedelta,
    tell: Callable[[str], object] = lambda _words: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Found:
    """What ``attempt`` returns, tried again while it raises ``ResourceLocked``.

    Args:
        attempt: Raises ``ResourceLocked`` while another process holds the file; other errors pass through.
        patience: How long to try; at least one attempt is made.
        tell: Hears why it takes so long: at once, and again every minute.
        clock: Seconds that never go back.
        sleep: Waits so many seconds.

    Raises:
        Held: when it was still held at the end.
    """
    started, told = clock(), float("-inf")
    while True:
        try:
            return attempt()
        except ResourceLocked as held:
            waited, words = clock() - started, str(held)
        # Outside the handler: a person shall read these words, not the adapter's as their cause.
        if waited >= patience.total_seconds():
            raise ResourceLocked(f"{words} (waited {waited:,.0f} s)")
        if waited - told >= BETWEEN_WORDS.total_seconds():
            tell(f"waiting: {words}")
            told = waited
        sleep(BETWEEN_LOOKS.total_seconds())


@contextmanager
def run_lock(
    file: Path, *, run_id: str, patience: timedelta, tell: Callable[[str], object] = lambda _words: None
) -> Iterator[None]:
    """Hold ``file`` for one run; whoever comes meanwhile waits.

    Raises:
        Held: when another run still held it after ``patience``.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as stream:

        def taken() -> None:
            if not _locked(stream.fileno()):
                stream.seek(0)
                raise ResourceLocked(f"{stream.read() or 'another run'} has its turn in {file.parent}")

        retry_while_locked(taken, patience=patience, tell=tell)
        stream.truncate(0)
        stream.write(f"run {run_id} (process {os.getpid()})")
        stream.flush()
        yield


@contextmanager
def hold_liveness_lock(root: Path, run_id: str) -> Iterator[None]:
    """Show for as long as this process works on ``run_id`` that it does."""
    file = _sign(root, run_id)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def crashed(root: Path, run_id: str) -> bool:
    """Whether ``run_id`` was begun by a process that is gone and did not end it."""
    try:
        with _sign(root, run_id).open("r") as stream:
            return _locked(stream.fileno())
    except FileNotFoundError:
        return False


def prune(root: Path, *, has_ended: Callable[[str], bool]) -> None:
    """Remove what killed runs left, once whoever watches over runs has written down that they ended.

    Not before: the sign is all by which a killed run is known from one at work.
    """
    for sign in sorted((root / SIGNS).glob("*")):
        if has_ended(sign.name) and crashed(root, sign.name):
            sign.unlink(missing_ok=True)


def _sign(root: Path, run_id: str) -> Path:
    return root / SIGNS / run_id


def _locked(descriptor: int) -> bool:
    """Lock an open file unless another has; goes when the file is closed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
