"""Numbers on a page, each compared with what its query gives on the published tables."""

import math
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

import duckdb


class _Numbers(HTMLParser):
    """Every ``data`` element of a page: its query, its value and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self._open: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "data":
            given = dict(attrs)
            self._open = (given["title"] or "", given["value"] or "")

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.found.append((*self._open, data))
            self._open = None


def numbers_of(page: str) -> list[tuple[str, str, str]]:
    """Query, value and text of each number on a page."""
    parser = _Numbers()
    parser.feed(page)
    return parser.found


def compare_numbers(pages: Iterable[str], *, snapshot: Path, warehouse: Path) -> int:
    """Run the query of each number and compare value and text with it; returns how many there were."""
    shown = [each for page in pages for each in numbers_of(page)]
    with duckdb.connect(str(snapshot), read_only=True, config={"temp_directory": ""}) as connection:
        connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
        for sql, value, text in shown:
            row = connection.execute(sql).fetchone()
            expected = None if row is None or row[0] is None or not math.isfinite(row[0]) else float(row[0])
            assert value == ("" if expected is None else repr(expected)), sql
            assert text == "-" if expected is None else _is_rounded(text, expected), (sql, text)
    return len(shown)


def _is_rounded(text: str, value: float) -> bool:
    """Whether ``text`` is ``value``, as near as its decimals allow."""
    digits, is_percent = text.removesuffix(" %"), text.endswith(" %")
    places = len(digits.partition(".")[2]) + 2 * is_percent
    read = float(digits.replace(",", "")) / (100 if is_percent else 1)
    return abs(read - value) <= 0.5001 * 10.0**-places
