"""Parsing of CSV into text columns: names from the header, records split by DuckDB, no types inferred.

DuckDB numbers records, while editors number lines of text, so each record is placed on its line.
"""

import csv
import re
from collections.abc import Collection

import duckdb

from assets.ingest.parsing.files import WITHHELD, Unreadable, without_personal
from assets.ingest.parsing.sql import (
    KEEP_ERRORS,
    LINE,
    LONGEST_LINE,
    OWN_NAMES,
    ROW,
    listed,
    literal,
    quoted,
    text_columns,
)
from assets.ingest.parsing.text import Text, encoding_advice

DELIMITERS = ",;\t|"
# A quoted name may hold line breaks; a quote still open after so many lines was never closed.
LONGEST_HEADER = 50
# Totals and notes below the data.
LONGEST_FOOTER = 20


def read_records(
    connection: duckdb.DuckDBPyConnection, text: Text, rows: str, *, wanted: Collection[str]
) -> list[str]:
    """Create table ``rows`` of the well-formed records; the others go to table ``broken``.

    Values stay text, so that the rejects can show a value that does not convert.

    Args:
        connection: The scratch database.
        text: The file.
        rows: Name of the table.
        wanted: Columns that the mapping names.

    Returns:
        The names of the kept columns.

    Raises:
        Unreadable: when line ends are mixed, or a later line looks like the header.
        duckdb.InvalidInputException: when DuckDB cannot read the file for another reason.
    """
    delimiter, names = header_of(text)
    refuse_other_header(text, names, wanted)
    kept = without_personal(text.file, names)
    # The dialect is given, not guessed: DuckDB's guess fails as a whole on a file with one broken line.
    options = (
        f"{text_columns(names)}, header = true, delim = {literal(delimiter)}, quote = '\"', "
        f"escape = '\"', nullstr = '', max_line_size = {LONGEST_LINE}, {KEEP_ERRORS}"
    )
    _split(connection, text, kept, options)
    keep_broken(connection, text)
    _place_on_lines(connection, text)
    connection.execute(
        f"create or replace table {rows} as select records.* exclude {quoted(ROW)}, good_starts.line as "
        f"{quoted(LINE)} from records positional join good_starts where {quoted(ROW)} is not null"
    )
    if text.file.source.footer is not None:
        _move_footer(connection, text, rows)
    return kept


def _split(connection: duckdb.DuckDBPyConnection, text: Text, kept: list[str], options: str) -> None:
    """Create table ``records`` of the columns ``kept``."""
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


def keep_broken(connection: duckdb.DuckDBPyConnection, text: Text) -> None:
    """Move lines that DuckDB could not split to table ``broken``, without text if it may be personal."""
    file = text.file
    encoding = f"not text in {file.source.encoding}"
    sql = "select 1 from csv_errors where error_type = 'INVALID ENCODING' limit 1"
    if connection.execute(sql).fetchone() is not None:
        encoding += f"; {encoding_advice(file)}"
    shown = "trim(any_value(csv_line), chr(10))" if file.shows_text else literal(WITHHELD)
    # One record can have several errors: each column too many is reported once.
    connection.execute(
        f"insert into broken select line, {shown}, "
        "'the line is broken: ' || string_agg(distinct case error_type when 'MISSING COLUMNS' "
        "then 'too few columns' when 'TOO MANY COLUMNS' then 'too many columns' when 'UNQUOTED VALUE' "
        "then 'a quote stands in a wrong place or is not closed' when 'INVALID ENCODING' "
        f"then {literal(encoding)} when 'LINE SIZE OVER MAXIMUM' "
        f"then 'longer than {LONGEST_LINE:,} bytes' else lower(error_type::varchar) end, ', ') "
        "from csv_errors group by line"
    )
    connection.execute("drop table csv_errors")
    connection.execute("drop table csv_scans")


def header_of(text: Text) -> tuple[str, list[str]]:
    """Read the delimiter and the column names.

    Raises:
        Unreadable: when there is no header line, it is in another encoding or a quote in it is left open.
    """
    head = text.head(LONGEST_HEADER)
    if not head or not head[0].strip():
        above = f" below its first {len(text.skipped)} lines" if text.skipped else ""
        raise Unreadable(f"no header line{above}; is the file empty?")
    try:
        head[0].decode()
    except UnicodeDecodeError:
        advice = encoding_advice(text.file)
        raise Unreadable(f"its header is not text in {text.file.source.encoding}; {advice}") from None
    lines = [f"{line.decode('utf-8-sig', 'replace')}\n" for line in head]
    delimiter = text.delimiter or _delimiter_of(lines[0])
    try:
        names = next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as broken:
        raise Unreadable(f"its header cannot be read: {broken}; is a quote left open?") from broken
    return delimiter, deduplicate_names(names)


def _delimiter_of(line: str) -> str:
    # A delimiter inside quotes belongs to a name.
    outside = re.sub(r'"[^"]*("|$)', "", line)
    return max(DELIMITERS, key=outside.count)


def refuse_other_header(text: Text, names: Collection[str], wanted: Collection[str]) -> None:
    """Refuse a file whose header is on another line, or that has none.

    Args:
        text: The file.
        names: The columns of its first line.
        wanted: Columns that the mapping names.

    Raises:
        Unreadable: naming the line and the setting.
    """
    missing = {name.lower() for name in wanted} - {name.lower() for name in names}
    if not missing:
        return
    for number, line in enumerate(text.head(LONGEST_HEADER)[1:], start=len(text.skipped) + 2):
        shown = line.decode("utf-8", "replace")
        values = next(csv.reader([shown], delimiter=text.delimiter or _delimiter_of(shown)), [])
        if {name.lower() for name in wanted} <= {value.strip().lower() for value in values}:
            raise Unreadable(
                f"line {number} looks like the header: set skip_rows: {number - 1} in this source, or delete "
                "the lines above it"
            )
    if len(missing) == len(wanted) and sum(map(_is_value, names)) * 2 >= len(names) > 1:
        raise Unreadable(
            f"its first line holds values and no names such as {', '.join(sorted(wanted))}: is there no "
            "header line? Add one"
        )


def _is_value(name: str) -> bool:
    """Whether ``name`` is a number or a date, with the suffix that a repeated name has."""
    return re.fullmatch(r"[-+]?[0-9][0-9.,:/ T-]*(_[0-9]+)?|column_[0-9]+", name) is not None


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


def _place_on_lines(connection: duckdb.DuckDBPyConnection, text: Text) -> None:
    """Create ``good_starts``, the lines of ``records`` in order, and put line numbers into ``broken``.

    Both tables are in order and ``good_starts`` is at least as long as ``records``, so they are joined by
    position; a join on the number would lose the order.

    A record begins on every line before which the number of quotes is even; the header is line 1 of the text.
    A stray quote inside a value upsets that count, and so do bytes in another encoding; then each record is
    taken to have one line, so that line numbers are off by blank lines and by line breaks inside values. On
    entry ``broken.source_line`` counts records and blank lines, as DuckDB does.
    """
    _find_starts(connection, text.lines)
    _find_good_starts(connection)
    counts = "select (select count(*) from good_starts) = (select count(*) from records)"
    if connection.execute(counts).fetchone() != (True,):
        connection.execute(
            "create or replace table starts as select range as line, range as record, false as is_blank "
            "from range(1, 2 + (select count(*) from records) + (select count(*) from broken))"
        )
        _find_good_starts(connection)
    connection.execute(
        f"update broken set source_line = line + {len(text.skipped)} from starts where record = source_line"
    )
    if text.skipped:
        connection.execute(f"update good_starts set line = line + {len(text.skipped)}")


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


def _move_footer(connection: duckdb.DuckDBPyConnection, text: Text, rows: str) -> None:
    """Move the line that begins with ``footer`` and all below it to ``broken``, so that they are seen.

    Only one of the last lines can be it: above, it would be a value of the data.
    """
    begins = f"starts_with(ltrim(text, ' \"'), {literal(text.file.source.footer or '')})"
    found = connection.execute(
        f"with lines as (select row_number() over () as line, text from {text.lines}) "
        f"select min(line) from lines where line > 1 and {begins} "
        f"and line > (select count(*) from lines) - {LONGEST_FOOTER}"
    ).fetchone()
    if not found or found[0] is None:
        return
    first = int(found[0]) + len(text.skipped)
    names = [str(name) for name, *_ in connection.execute(f"describe {rows}").fetchall()]
    values = ", ".join(f"{quoted(name)}::varchar" for name in names if name != LINE)
    shown = f"concat_ws(' ', {values})" if text.file.shows_text else literal(WITHHELD)
    reason = literal(f"it is below the data: footer is {text.file.source.footer!r}")
    connection.execute(
        f"update broken set reason = {reason} where source_line >= {first}; "
        f"insert into broken select {quoted(LINE)}, {shown}, {reason} from {rows} "
        f"where {quoted(LINE)} >= {first}; delete from {rows} where {quoted(LINE)} >= {first}"
    )
