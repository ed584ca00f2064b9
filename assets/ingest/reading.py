"""One delivered file as rows of a temporary table, without a loop over rows in Python."""

import csv
from collections.abc import Callable, Mapping
from typing import NamedTuple

import duckdb

from assets.ingest.csv_lines import place_on_lines
from assets.ingest.files import SourceFile
from assets.ingest.reading_sql import (
    KEEP_ERRORS,
    LINE,
    LONGEST_LINE,
    ROW,
    WHOLE_LINES,
    listed,
    literal,
    quoted,
    text_columns,
)
from assets.ingest.sources import BusinessInvalid, Format

WITHHELD = "withheld: the file has personal columns"
DELIMITERS = ",;\t|"


class Arrival(NamedTuple):
    """A file that was read: its rows in temporary table ``rows``, broken ones in ``broken``.

    ``columns`` are those that may be kept: personal ones were never read into the table.
    """

    file: SourceFile
    rows: str
    broken: str
    columns: tuple[str, ...]


def read(connection: duckdb.DuckDBPyConnection, file: SourceFile, *, number: int) -> Arrival:
    """Read ``file`` into temporary tables named after ``number``.

    A broken record (too few columns, an open quote, bytes that are not text) becomes one row of
    ``broken`` (source_line, raw_text, reason). Lines count from 1, the header included; blank lines
    are skipped and not counted.

    Raises:
        BusinessInvalid: when the file cannot be read at all, or lacks a column declared personal.
    """
    arrival = Arrival(file, f"arrival_{number}", f"broken_{number}", ())
    connection.execute(
        f"create or replace temp table {arrival.broken} "
        "(source_line bigint, raw_text varchar, reason varchar)"
    )
    reader = _READERS[file.source.format_of(file.path)]
    try:
        return arrival._replace(columns=tuple(reader(connection, arrival)))
    except duckdb.Error as unreadable:
        first_line = str(unreadable).strip().split("\n")[0]
        raise BusinessInvalid(
            f"{file.path}: source {file.source.name}: cannot be read: {first_line}"
        ) from unreadable


def discard(connection: duckdb.DuckDBPyConnection, arrival: Arrival) -> None:
    """Drop the temporary tables of ``arrival``."""
    connection.execute(f"drop table {arrival.rows}")
    connection.execute(f"drop table {arrival.broken}")


def _read_parquet(connection: duckdb.DuckDBPyConnection, arrival: Arrival) -> list[str]:
    path = str(arrival.file.path)
    described = connection.execute("describe from read_parquet(?)", [path]).fetchall()
    kept = _without_personal(arrival.file, [str(column[0]) for column in described])
    connection.execute(
        f"create or replace temp table {arrival.rows} as select {listed(kept)} "
        f"file_row_number + 1 as {quoted(LINE)} from read_parquet(?, file_row_number = true)",
        [path],
    )
    return kept


def _read_csv(connection: duckdb.DuckDBPyConnection, arrival: Arrival) -> list[str]:
    source, path = arrival.file.source, str(arrival.file.path)
    header = _header_line(connection, arrival.file)
    delimiter = source.delimiter or max(DELIMITERS, key=header.count)
    names = _told_apart(next(csv.reader([header], delimiter=delimiter)))
    kept = _without_personal(arrival.file, names)
    # The dialect is told, not guessed: DuckDB's guess fails as a whole on a file with one broken line.
    # Values stay text here, so that what cannot be typed is still there to be shown.
    connection.execute(
        f"create or replace temp table records as select {listed(kept)} "
        f"row_number() over () as {quoted(ROW)} "
        f"from read_csv(?, {text_columns(names)}, header = true, delim = {literal(delimiter)}, "
        f"quote = '\"', escape = '\"', nullstr = '', max_line_size = {LONGEST_LINE}, "
        f"{KEEP_ERRORS}, encoding = ?)",
        [path, source.encoding],
    )
    _keep_broken(connection, arrival)
    place_on_lines(
        connection,
        "records",
        rows=arrival.rows,
        broken=arrival.broken,
        parameters=[path, source.encoding],
    )
    return kept


def _read_jsonl(connection: duckdb.DuckDBPyConnection, arrival: Arrival) -> list[str]:
    connection.execute(
        f"create or replace temp table lines as select text, row_number() over () as {quoted(LINE)}, "
        "case when json_valid(text) then json_type(text) end is not distinct from 'OBJECT' as is_document "
        f"from read_csv(?, {text_columns(['text'])}, {WHOLE_LINES}, {KEEP_ERRORS}, encoding = ?)",
        [str(arrival.file.path), arrival.file.source.encoding],
    )
    _keep_broken(connection, arrival)
    connection.execute(
        f"insert into {arrival.broken} select {quoted(LINE)}, {_raw(arrival, 'text')}, "
        "'the line is broken: not a JSON object' from lines where not is_document and trim(text) <> ''"
    )
    connection.execute(
        f"create or replace temp table documents as select text::json as json, {quoted(LINE)} "
        "from lines where is_document"
    )
    connection.execute("drop table lines")
    return _spread(connection, arrival)


def _read_json(connection: duckdb.DuckDBPyConnection, arrival: Arrival) -> list[str]:
    connection.execute(
        f"create or replace temp table documents as select json, row_number() over () as {quoted(LINE)} "
        f"from read_json_objects(?, maximum_object_size = {LONGEST_LINE})",
        [str(arrival.file.path)],
    )
    return _spread(connection, arrival)


_READERS: Mapping[Format, Callable[[duckdb.DuckDBPyConnection, Arrival], list[str]]] = {
    "csv": _read_csv,
    "parquet": _read_parquet,
    "json": _read_json,
    "jsonl": _read_jsonl,
}


def _spread(connection: duckdb.DuckDBPyConnection, arrival: Arrival) -> list[str]:
    """Each key of the documents as a text column; nested values stay JSON text."""
    found = connection.execute(
        "select distinct unnest(json_keys(json)) as key from documents order by 1"
    ).fetchall()
    kept = _without_personal(arrival.file, [str(key) for (key,) in found])
    columns = [f"json_extract_string(json, {_pointer(key)}) as {quoted(key)}, " for key in kept]
    connection.execute(
        f"create or replace temp table {arrival.rows} as "
        f"select {''.join(columns)}{quoted(LINE)} from documents"
    )
    connection.execute("drop table documents")
    return kept


def _pointer(key: str) -> str:
    return literal("/" + key.replace("~", "~0").replace("/", "~1"))


def _header_line(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> str:
    found = connection.execute(
        f"select text from read_csv(?, {text_columns(['text'])}, {WHOLE_LINES}, ignore_errors = true, "
        "encoding = ?) limit 1",
        [str(file.path), file.source.encoding],
    ).fetchall()
    if not found or not found[0][0]:
        raise BusinessInvalid(f"{file.path}: source {file.source.name}: no header line; is the file empty?")
    return str(found[0][0])


def _told_apart(names: list[str]) -> list[str]:
    """Column names as the header has them, a repeated or empty one made unique."""
    unique: list[str] = []
    for position, name in enumerate(names, start=1):
        taken = {earlier.lower() for earlier in unique}
        wanted = name.strip() or f"column_{position}"
        unique.append(f"{wanted}_{position}" if wanted.lower() in taken else wanted)
    return unique


def _without_personal(file: SourceFile, names: list[str]) -> list[str]:
    personal = {name.lower() for name in file.source.pii}
    absent = personal - {name.lower() for name in names}
    if absent:
        raise BusinessInvalid(
            f"{file.path}: source {file.source.name}: pii names {', '.join(sorted(absent))}, which the file "
            f"does not have; it has {', '.join(names)}"
        )
    return [name for name in names if name.lower() not in personal]


def _keep_broken(connection: duckdb.DuckDBPyConnection, arrival: Arrival) -> None:
    # One record can have several errors: each column too many is told once.
    connection.execute(
        f"insert into {arrival.broken} select line, {_raw(arrival, 'trim(any_value(csv_line), chr(10))')}, "
        "'the line is broken: ' || string_agg(distinct case error_type when 'MISSING COLUMNS' "
        "then 'too few columns' when 'TOO MANY COLUMNS' then 'too many columns' when 'UNQUOTED VALUE' "
        "then 'a quote stands in a wrong place or is not closed' when 'INVALID ENCODING' "
        f"then 'not text in {arrival.file.source.encoding}' else lower(error_type::varchar) end, ', ') "
        "from csv_errors group by line"
    )
    connection.execute("drop table csv_errors")
    connection.execute("drop table csv_scans")


def _raw(arrival: Arrival, text: str) -> str:
    """SQL of a broken line's text; of a file with personal columns it is withheld whole."""
    return literal(WITHHELD) if arrival.file.source.pii else text
