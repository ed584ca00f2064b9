"""On which line of text each record of a CSV file begins: DuckDB counts records, people count lines."""

import duckdb

from assets.ingest.reading_sql import LINE, ROW, WHOLE_LINES, quoted, text_columns


def place_on_lines(
    connection: duckdb.DuckDBPyConnection, records: str, *, rows: str, broken: str, parameters: list[str]
) -> None:
    """Make ``rows`` from ``records`` with lines of text for record numbers, the header being line 1.

    A record begins on every line before which the number of quotes is even. A stray quote inside a value
    upsets that count, and so do bytes that are not text; then records are taken to have one line each,
    which is off by the blank lines and by those that a value spans.

    Args:
        connection: Where the temporary tables are.
        records: Good records, numbered in column ``landing row`` from 1; dropped.
        rows: The table to make, with column ``landing line``.
        broken: Refused records; ``source_line`` counts records and blank lines, as DuckDB does, until now.
        parameters: Path and encoding of the file.
    """
    _find_starts(connection, parameters)
    good = _good_starts(connection, broken)
    if good != _count(connection, records):
        connection.execute(
            "create or replace temp table starts as select range as line, range as record, false as is_blank "
            f"from range(1, 2 + (select count(*) from {records}) + (select count(*) from {broken}))"
        )
        _good_starts(connection, broken)
    connection.execute(
        f"create or replace temp table {rows} as select {records}.* exclude ({quoted(ROW)}), "
        f"line as {quoted(LINE)} from {records} inner join good_starts on {quoted(ROW)} = position"
    )
    connection.execute(f"update {broken} set source_line = line from starts where record = source_line")
    for table in ("starts", "good_starts", records):
        connection.execute(f"drop table {table}")


def _find_starts(connection: duckdb.DuckDBPyConnection, parameters: list[str]) -> None:
    connection.execute(
        "create or replace temp table starts as with lines as ("
        "select row_number() over () as line, coalesce(text, '') as text "
        f"from read_csv(?, {text_columns(['text'])}, {WHOLE_LINES}, encoding = ?, ignore_errors = true)), "
        "counted as (select line, text = '' as is_blank, coalesce(sum(length(text) - length(replace(text, "
        "chr(34), ''))) over (order by line rows between unbounded preceding and 1 preceding), 0) as quotes "
        "from lines) select line, is_blank, row_number() over (order by line) as record "
        "from counted where quotes % 2 = 0",
        parameters,
    )


def _good_starts(connection: duckdb.DuckDBPyConnection, broken: str) -> int:
    """The starts of records that are neither blank, broken nor the header, numbered; returns their count."""
    connection.execute(
        "create or replace temp table good_starts as "
        "select line, row_number() over (order by line) as position "
        f"from starts anti join {broken} on starts.record = {broken}.source_line "
        "where not is_blank and record > 1"
    )
    return _count(connection, "good_starts")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    counted = connection.execute(f"select count(*) from {table}").fetchone()
    return int(counted[0]) if counted else 0
