"""Run lock of a business, liveness locks that reveal crashed runs, and retries while a file is locked.

Dagster's pool serialises the runs of its queue, but ``make run`` is not in that queue: two concurrent runs
would write the same exports and load each other's half-written files. Operating-system locks decide instead,
because the kernel releases them however the process ends.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

LIVENESS_FOLDER = "alive"

# An attempt costs microseconds; a longer pause would only delay every hand-over.
RETRY_EVERY = timedelta(milliseconds=200)
LOG_EVERY = timedelta(minutes=1)

Result = TypeVar("Result")


class ResourceLocked(Exception):
    """Another process holds a file; the message names the file, the holder and the remedy."""


def retry_while_locked(
    attempt: Callable[[], Result],
    *,
    timeout: timedelta,
    log: Callable[[str], object] = lambda _message: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """Return the result of ``attempt``, retried while it raises ``ResourceLocked``.

    Args:
        attempt: Raises ``ResourceLocked`` while another process holds the file; other errors pass through.
        timeout: How long to retry; at least one attempt is made.
        log: Receives the reason for the wait: immediately, and again every minute.
        clock: Monotonic clock, in seconds.
        sleep: Waits for the given number of seconds.

    Raises:
        ResourceLocked: If the file is still locked after ``timeout``.
    """
    started, logged_at = clock(), float("-inf")
    while True:
        try:
            return attempt()
        except ResourceLocked as locked:
            waited, message = clock() - started, str(locked)
        # Raised outside the handler, so that the adapter's own error is not chained to it as its cause.
        if waited >= timeout.total_seconds():
            raise ResourceLocked(f"{message} (waited {waited:,.0f} s)")
        if waited - logged_at >= LOG_EVERY.total_seconds():
            log(f"waiting: {message}")
            logged_at = waited
        sleep(RETRY_EVERY.total_seconds())


@contextmanager
def run_lock(
    file: Path, *, run_id: str, timeout: timedelta, log: Callable[[str], object] = lambda _message: None
) -> Iterator[None]:
    """Hold the run lock of one business while the block runs; other runs wait for it.

    Args:
        file: The lock file; created when missing.
        run_id: Written into the file, so that a waiting run can name the holder.
        timeout: How long to wait for another run.
        log: Receives a message while waiting.

    Raises:
        ResourceLocked: If another run still holds the lock after ``timeout``.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as stream:

        def acquire() -> None:
            if not _acquired(stream.fileno()):
                stream.seek(0)
                raise ResourceLocked(f"{stream.read() or 'another run'} holds the run lock {file}")

        retry_while_locked(acquire, timeout=timeout, log=log)
        stream.truncate(0)
        stream.write(f"run {run_id} (process {os.getpid()})")
        stream.flush()
        yield


@contextmanager
def hold_liveness_lock(root: Path, run_id: str) -> Iterator[None]:
    """Hold a lock below ``root`` for as long as this process works on ``run_id``."""
    file = _liveness_file(root, run_id)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def crashed(root: Path, run_id: str) -> bool:
    """Return whether the process of ``run_id`` is gone without having ended the run."""
    try:
        with _liveness_file(root, run_id).open("r") as stream:
            return _acquired(stream.fileno())
    except FileNotFoundError:
        return False


def prune(root: Path, *, has_ended: Callable[[str], bool]) -> None:
    """Remove the liveness files of crashed runs that Dagster has recorded as ended.

    Not before: the file is the only evidence that distinguishes a crashed run from a running one.
    """
    for file in sorted((root / LIVENESS_FOLDER).glob("*")):
        if has_ended(file.name) and crashed(root, file.name):
            file.unlink(missing_ok=True)


def _liveness_file(root: Path, run_id: str) -> Path:
    return root / LIVENESS_FOLDER / run_id


def _acquired(descriptor: int) -> bool:
    """Lock an open file unless another process holds it; closing the file releases the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
