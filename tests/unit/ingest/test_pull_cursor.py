"""The newest cursor is the latest time or the largest number, and is asked for as services write it."""

import pytest

from assets.ingest.config.business import BusinessInvalid
from assets.ingest.pulling.cursor import format_cursor, later_cursor, minus_overlap


@pytest.mark.parametrize(
    ("seen", "overlap", "asked"),
    [
        # As texts, 10:00:00.5Z comes before 10:00:00Z; the half second is dropped, so nothing is skipped.
        (["2024-03-01T10:00:00.500000Z", "2024-03-01T10:00:00Z"], 0, "2024-03-01T10:00:00Z"),
        # 10:00 at +02:00 is 08:00 UTC, before 09:00 UTC.
        (["2024-03-01T10:00:00+02:00", "2024-03-01T09:00:00+00:00"], 60, "2024-03-01T08:59:00Z"),
        (["2024-03-01T10:00:00"], 60, "2024-03-01T09:59:00"),
        # A day is begun by ten seconds already.
        (["2024-03-01", "2024-02-01"], 10, "2024-02-29"),
        ([7, 12, None, 9], 10, 2),
        ([7.5], 0, "7.5"),
        (["ab", "b", "a"], 300, "b"),
    ],
)
def test_the_request_holds_the_newest_cursor_less_the_overlap(
    seen: list[object], overlap: int, asked: object
) -> None:
    newest = None
    for given in seen:
        newest = later_cursor(newest, given, name="updated_at")
    assert newest is not None
    assert format_cursor(minus_overlap(newest, overlap)) == asked


@pytest.mark.parametrize(
    ("before", "given", "words"), [(None, {"at": 1}, "is dict"), (None, True, "is bool"), (1, "b", "is int")]
)
def test_values_without_an_order_are_refused_as_cursor(before: int | None, given: object, words: str) -> None:
    with pytest.raises(BusinessInvalid, match=f"cursor updated_at {words}"):
        later_cursor(before, given, name="updated_at")
