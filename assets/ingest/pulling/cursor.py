"""Cursor of an incremental pull: the newest time, number or text that was pulled."""

from datetime import UTC, date, datetime, timedelta

from assets.ingest.config.business import BusinessInvalid

SECONDS_A_DAY = 86_400

Cursor = datetime | date | int | float | str


class SourceUnreachable(RuntimeError):
    """A database or web service did not answer, or asked for a later retry."""


def later_cursor(newest: Cursor | None, value: object, *, name: str) -> Cursor | None:
    """The later of two cursors.

    Args:
        newest: The newest cursor so far.
        value: The cursor of a record; ``None`` leaves ``newest`` as it is.
        name: Its field, for the error.

    Raises:
        BusinessInvalid: when ``value`` is no time, number or text, or is of another type than ``newest``.
    """
    if value is None:
        return newest
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BusinessInvalid(f"cursor {name} is {type(value).__name__}: name a key with times or numbers")
    cursor = _parse_time(value) if isinstance(value, str) else value
    try:
        return cursor if newest is None or cursor > newest else newest  # type: ignore[operator]
    except TypeError:
        raise BusinessInvalid(
            f"cursor {name} is {type(newest).__name__} first and {type(cursor).__name__} later"
        ) from None


def _parse_time(text: str) -> Cursor:
    """Parse ``text`` as a time if it is one: compared as text, 10:00:00.5Z would precede 10:00:00Z."""
    if text[4:5] != "-":
        return text
    try:
        return date.fromisoformat(text) if len(text) == len("2024-01-01") else datetime.fromisoformat(text)
    except ValueError:
        return text


def minus_overlap(cursor: Cursor, overlap: int) -> Cursor:
    """``cursor`` less ``overlap`` seconds, days (rounded up) or units; text is returned unchanged."""
    match cursor:
        case datetime():
            return cursor - timedelta(seconds=overlap)
        case date():
            return cursor - timedelta(days=-(-overlap // SECONDS_A_DAY))
        case int() | float():
            return cursor - overlap
    return cursor


def format_cursor(cursor: Cursor) -> str | int:
    """Format ``cursor`` for a request: whole seconds, rounded down, in UTC if it has an offset."""
    match cursor:
        case datetime(tzinfo=None):
            return cursor.isoformat(timespec="seconds")
        case datetime():
            return cursor.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return cursor.isoformat()
        case int():
            return cursor
    return str(cursor)
