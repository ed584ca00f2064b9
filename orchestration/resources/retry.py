"""Waiting for what another process holds, within bounds and in words."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

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
