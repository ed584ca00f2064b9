"""Line numbers of CSV records: DuckDB numbers records, while editors number lines of text."""

import duckdb

from assets.ingest.parsing.sql import LINE, ROW, quoted


def place_on_lines(connection: duckdb.DuckDBPyConnection, lines: str, *, records: str, broken: str) -> str:
    """Replace record numbers by line numbers; the header is line 1.

    A record begins on every line before which the number of quotes is even. A stray quote inside a value
    upsets that count, and so do bytes in another encoding; then each record is taken to have one line, so
    that line numbers are off by blank lines and by line breaks inside values.

    Args:
        connection: The scratch database.
        lines: SQL that reads the file as lines, in column ``text``.
        records: Table of well-formed records, numbered in column ``landing row`` from 1.
        broken: Table of malformed records; on entry ``source_line`` counts records and blank lines, as
            DuckDB does.

    Returns:
        Name of a table with ``position`` and ``line`` of the well-formed records; the next call replaces it.
    """
    _find_starts(connection, lines)
    good = _good_starts(connection, broken)
    if good != _count(connection, records):
        connection.execute(
            "create or replace table starts as select range as line, range as record, false as is_blank "
            f"from range(1, 2 + (select count(*) from {records}) + (select count(*) from {broken}))"
        )
        _good_starts(connection, broken)
    connection.execute(f"update {broken} set source_line = line from starts where record = source_line")
    return "good_starts"


def with_lines(records: str, starts: str, columns: str) -> str:
    """SQL that selects the records with their line numbers, in order.

    Both tables are in order and ``starts`` is at least as long as ``records``, so they are joined by
    position; a join on the number would lose the order.

    Args:
        records: Table of well-formed records.
        starts: Table of their lines, from ``place_on_lines``.
        columns: Select list over ``records``, ending in a comma.
    """
    return (
        f"select {columns}line as {quoted(LINE)} from {records} positional join {starts} "
        f"where {quoted(ROW)} is not null"
    )


def _find_starts(connection: duckdb.DuckDBPyConnection, lines: str) -> None:
    connection.execute(
        "create or replace table starts as with lines as ("
        f"select row_number() over () as line, coalesce(text, '') as text from {lines}), "
        "counted as (select line, text = '' as is_blank, coalesce(sum(length(text) - length(replace(text, "
        "chr(34), ''))) over (order by line rows between unbounded preceding and 1 preceding), 0) as quotes "
        "from lines) select line, is_blank, row_number() over (order by line) as record "
        "from counted where quotes % 2 = 0"
    )


def _good_starts(connection: duckdb.DuckDBPyConnection, broken: str) -> int:
    """Create ``good_starts``: numbered starts of well-formed, non-blank records; return their count."""
    connection.execute(
        "create or replace table good_starts as "
        "select line, row_number() over (order by line) as position "
        f"from starts anti join {broken} on starts.record = {broken}.source_line "
        "where not is_blank and record > 1 order by line"
    )
    return _count(connection, "good_starts")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    counted = connection.execute(f"select count(*) from {table}").fetchone()
    return int(counted[0]) if counted else 0
