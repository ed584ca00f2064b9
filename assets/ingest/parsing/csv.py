"""Parsing of CSV into text columns: names from the header, records split by DuckDB, no types inferred.

DuckDB numbers records, while editors number lines of text, so each record is placed on its line.
"""

import csv
import re
from typing import NamedTuple

import duckdb

from assets.ingest.parsing.file_format import Compression
from assets.ingest.parsing.files import WITHHELD, SourceFile, Unreadable, without_personal
from assets.ingest.parsing.sql import (
    KEEP_ERRORS,
    LINE,
    LONGEST_LINE,
    OWN_NAMES,
    ROW,
    WHOLE_LINES,
    listed,
    literal,
    path_literal,
    quoted,
    text_columns,
)

DELIMITERS = ",;\t|"
# A quoted name may hold line breaks; a quote still open after so many lines was never closed.
LONGEST_HEADER = 50


class Text(NamedTuple):
    """A text file and its compression, which may differ from its suffix."""

    file: SourceFile
    compression: Compression

    def read_csv(self, options: str) -> str:
        """SQL that reads the file by ``options``."""
        return (
            f"read_csv({path_literal(self.file.path)}, {options}, "
            f"encoding = {literal(self.file.source.encoding)}, compression = {literal(self.compression)})"
        )

    @property
    def lines(self) -> str:
        """SQL that reads the file as lines, in column ``text``; lines in another encoding are skipped."""
        return self.read_csv(f"{WHOLE_LINES}, ignore_errors = true")


def read_records(connection: duckdb.DuckDBPyConnection, text: Text, rows: str) -> list[str]:
    """Create table ``rows`` of the well-formed records; the others go to table ``broken``.

    Values stay text, so that the rejects can show a value that does not convert.

    Args:
        connection: The scratch database.
        text: The file.
        rows: Name of the table.

    Returns:
        The names of the kept columns.

    Raises:
        Unreadable: when line ends are mixed.
        duckdb.InvalidInputException: when DuckDB cannot read the file for another reason.
    """
    delimiter, names = header_of(connection, text)
    kept = without_personal(text.file, names)
    # The dialect is given, not guessed: DuckDB's guess fails as a whole on a file with one broken line.
    options = (
        f"{text_columns(names)}, header = true, delim = {literal(delimiter)}, quote = '\"', "
        f"escape = '\"', nullstr = '', max_line_size = {LONGEST_LINE}, {KEEP_ERRORS}"
    )
    try:
        connection.execute(
            f"create or replace table records as select {listed(kept)} row_number() over () as {quoted(ROW)} "
            f"from {text.read_csv(options)}"
        )
    except duckdb.InvalidInputException as error:
        if "state machine" not in str(error):
            raise
        raise Unreadable(
            "its line ends are mixed: some LF, some CRLF or CR; save it with one kind"
        ) from error
    keep_broken(connection, text.file)
    _place_on_lines(connection, text.lines)
    connection.execute(
        f"create or replace table {rows} as select records.* exclude {quoted(ROW)}, good_starts.line as "
        f"{quoted(LINE)} from records positional join good_starts where {quoted(ROW)} is not null"
    )
    return kept


def keep_broken(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> None:
    """Move lines that DuckDB could not split to table ``broken``, without text if it may be personal."""
    shown = "trim(any_value(csv_line), chr(10))" if file.shows_text else literal(WITHHELD)
    # One record can have several errors: each column too many is reported once.
    connection.execute(
        f"insert into broken select line, {shown}, "
        "'the line is broken: ' || string_agg(distinct case error_type when 'MISSING COLUMNS' "
        "then 'too few columns' when 'TOO MANY COLUMNS' then 'too many columns' when 'UNQUOTED VALUE' "
        "then 'a quote stands in a wrong place or is not closed' when 'INVALID ENCODING' "
        f"then 'not text in {file.source.encoding}' when 'LINE SIZE OVER MAXIMUM' "
        f"then 'longer than {LONGEST_LINE:,} bytes' else lower(error_type::varchar) end, ', ') "
        "from csv_errors group by line"
    )
    connection.execute("drop table csv_errors")
    connection.execute("drop table csv_scans")


def header_of(connection: duckdb.DuckDBPyConnection, text: Text) -> tuple[str, list[str]]:
    """Read the delimiter and the column names.

    Raises:
        Unreadable: when there is no header line or a quote in it is left open.
    """
    found = connection.execute(f"select text from {text.lines} limit {LONGEST_HEADER}").fetchall()
    lines = [f"{line or ''}\n" for (line,) in found]
    if not lines or not lines[0].strip():
        raise Unreadable("no header line; is the file empty?")
    # A delimiter inside quotes belongs to a name.
    outside = re.sub(r'"[^"]*("|$)', "", lines[0])
    delimiter = text.file.source.delimiter or max(DELIMITERS, key=outside.count)
    try:
        names = next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as broken:
        raise Unreadable(f"its header cannot be read: {broken}; is a quote left open?") from broken
    return delimiter, deduplicate_names(names)


def deduplicate_names(names: list[str]) -> list[str]:
    """Make column names unique: repeated ones get their position as suffix, empty ones ``column_<position>``.

    All occurrences of a repeated name change, so that a mapping cannot pick the first one by accident; so
    does a name of the reader's own columns.
    """
    named = [name.strip() or f"column_{position}" for position, name in enumerate(names, start=1)]
    lower = [name.lower() for name in named]
    unique: list[str] = []
    for position, name in enumerate(named, start=1):
        is_taken = lower.count(name.lower()) > 1 or name.lower() in OWN_NAMES
        candidate = f"{name}_{position}" if is_taken else name
        while candidate != name and candidate.lower() in {*lower, *(earlier.lower() for earlier in unique)}:
            candidate += "_"
        unique.append(candidate)
    return unique


def _place_on_lines(connection: duckdb.DuckDBPyConnection, lines: str) -> None:
    """Create ``good_starts``, the lines of ``records`` in order, and put line numbers into ``broken``.

    Both tables are in order and ``good_starts`` is at least as long as ``records``, so they are joined by
    position; a join on the number would lose the order.

    A record begins on every line before which the number of quotes is even; the header is line 1. A stray
    quote inside a value upsets that count, and so do bytes in another encoding; then each record is taken to
    have one line, so that line numbers are off by blank lines and by line breaks inside values. On entry
    ``broken.source_line`` counts records and blank lines, as DuckDB does.
    """
    _find_starts(connection, lines)
    _find_good_starts(connection)
    counts = "select (select count(*) from good_starts) = (select count(*) from records)"
    if connection.execute(counts).fetchone() != (True,):
        connection.execute(
            "create or replace table starts as select range as line, range as record, false as is_blank "
            "from range(1, 2 + (select count(*) from records) + (select count(*) from broken))"
        )
        _find_good_starts(connection)
    connection.execute("update broken set source_line = line from starts where record = source_line")


def _find_starts(connection: duckdb.DuckDBPyConnection, lines: str) -> None:
    connection.execute(
        "create or replace table starts as with lines as ("
        f"select row_number() over () as line, coalesce(text, '') as text from {lines}), "
        "counted as (select line, text = '' as is_blank, coalesce(sum(length(text) - length(replace(text, "
        "chr(34), ''))) over (order by line rows between unbounded preceding and 1 preceding), 0) as quotes "
        "from lines) select line, is_blank, row_number() over (order by line) as record "
        "from counted where quotes % 2 = 0"
    )


def _find_good_starts(connection: duckdb.DuckDBPyConnection) -> None:
    """Create ``good_starts``: the lines of well-formed, non-blank records."""
    connection.execute(
        "create or replace table good_starts as select line "
        "from starts anti join broken on starts.record = broken.source_line "
        "where not is_blank and record > 1 order by line"
    )
