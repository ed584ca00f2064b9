"""Readers of delivered files into tables of text columns, without a loop over rows in Python."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import duckdb

from assets.ingest.config.business import Expression, SourceConfig
from assets.ingest.parsing.batches import opened_together, place_in_files
from assets.ingest.parsing.csv import deduplicate_names, keep_broken, read_records
from assets.ingest.parsing.file_format import Compression, compression_of, format_of
from assets.ingest.parsing.files import WITHHELD, OrderedFile, SourceFile, Unreadable, without_personal
from assets.ingest.parsing.sql import (
    FILE,
    LINE,
    LONGEST_LINE,
    json_value,
    literal,
    path_literal,
    quoted,
)
from assets.ingest.parsing.text import Text, opened
from assets.ingest.parsing.workbook import read_workbook


class ParsedFiles(NamedTuple):
    """Files of one source and one schema, parsed into one table.

    ``rows`` is the name of a table, or of a view of Parquet files: the kept columns, ``landing line`` and
    ``landing file``. ``columns`` are those that may be kept: personal ones are never read. ``mapping`` has
    the expression of each raw column. Broken records (too few columns, an open quote, bytes that are not
    text) are in table ``broken`` (source_line, raw_text, reason).
    Lines count from 1, the header included; blank lines are skipped and not counted.
    """

    files: tuple[OrderedFile, ...]
    rows: str
    columns: tuple[str, ...]
    mapping: Mapping[str, Expression]
    is_view: bool = False

    @property
    def source(self) -> SourceConfig:
        """The source of all the files."""
        return self.files[0].file.source


def read(
    connection: duckdb.DuckDBPyConnection, files: tuple[OrderedFile, ...], mapping: Mapping[str, Expression]
) -> ParsedFiles:
    """Parse ``files`` into one table.

    Args:
        connection: The scratch database.
        files: One file, or several that can be read together.
        mapping: Expression of each raw column.

    Raises:
        Unreadable: when a file cannot be read at all, or lacks a column declared personal.
        duckdb.Error: likewise, when DuckDB detects it.
    """
    number, file = files[0]
    rows = f"parsed_{number}"
    compressions = [compression_of(each.file) for each in files]
    connection.execute(
        "create or replace table broken (source_line bigint, raw_text varchar, reason varchar)"
    )
    kind = format_of(file)
    if kind == "parquet":
        return create_parquet_view(connection, ParsedFiles(files, rows, (), mapping))
    made = {name.lower() for name in file.source.made_columns}
    named = {column for expression in mapping.values() for column in expression.columns}
    wanted = {column for column in named if column.lower() not in made}
    if len(files) > 1:
        with opened_together(connection, files) as (text, lines):
            columns = read_records(connection, text, rows, wanted=wanted)
        place_in_files(connection, rows, files, lines)
        return ParsedFiles(files, rows, tuple(columns), mapping)
    if kind == "excel":
        columns = read_workbook(connection, file, rows)
    else:
        columns = _read_text(connection, file, rows, compression=compressions[0], wanted=wanted)
    if kind in ("json", "jsonl"):
        _add_missing_keys(connection, rows, columns=columns, mapping=mapping, source=file.source)
    connection.execute(f"alter table {rows} add column {quoted(FILE)} integer default {number}")
    return ParsedFiles(files, rows, tuple(columns), mapping)


def _read_text(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    rows: str,
    *,
    compression: Compression,
    wanted: Collection[str],
) -> list[str]:
    """Create table ``rows`` of one CSV or JSON file; return its columns."""
    kind = format_of(file)
    with opened(connection, file, compression) as text:
        if kind == "csv":
            return read_records(connection, text, rows, wanted=wanted)
        return (_read_json if kind == "json" else _read_jsonl)(connection, text, rows)


def schema_groups(
    connection: duckdb.DuckDBPyConnection, files: tuple[OrderedFile, ...]
) -> list[tuple[OrderedFile, ...]]:
    """Group the files of one source that can be read in one query.

    Parquet files form a group when their columns have the same names, order and types; any other file is a
    group of its own.
    """
    groups: dict[object, list[OrderedFile]] = {}
    for each in files:
        groups.setdefault(_schema(connection, each), []).append(each)
    return [tuple(group) for group in groups.values()]


def _schema(connection: duckdb.DuckDBPyConnection, ordered: OrderedFile) -> object:
    """Grouping key: equal for two files of the same schema."""
    number, file = ordered
    try:
        if format_of(file) != "parquet":
            return number
        columns = connection.execute(
            f"select * exclude (file_name) from parquet_schema({path_literal(file.path)})"
        ).fetchall()
    except (Unreadable, duckdb.Error):
        # Read alone, the file fails again with a reason of its own.
        return number
    # DuckDB numbers files in a column that it calls file_index, unless there is one.
    has_own_index = "file_index" in {str(name).lower() for name, *_ in columns}
    return number if has_own_index else (tuple(columns), _folder_keys(file))


def create_parquet_view(connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles) -> ParsedFiles:
    """Create or replace the view of the files of ``parsed``, which have one schema.

    Folders named key=value are columns, unless the files have a column of that name.
    """
    file = parsed.files[0].file
    paths = [path_literal(each.file.path) for each in parsed.files]
    own = _parquet_columns(connection, file)
    folders = () if {name.lower() for name in own} & set(_folder_keys(file)) else _folder_keys(file)
    read_all = (
        f"read_parquet([{', '.join(paths)}], hive_partitioning = {bool(folders)}, hive_types_autocast = false"
    )
    described = [str(column[0]) for column in connection.execute(f"describe from {read_all})").fetchall()]
    # DuckDB gives a suffix to the second of two names that differ in case, which a mapping would not notice.
    names = deduplicate_names([*own, *described[len(own) :]])
    kept = without_personal(file, names)
    renamed = dict(zip(names, described, strict=True))
    columns = "".join(f"{quoted(renamed[name])} as {quoted(name)}, " for name in kept)
    # A join on the file name would lose the order of the rows.
    number = (
        f"{[each.number for each in parsed.files]}[file_index::integer + 1]"
        if len(paths) > 1
        else str(parsed.files[0].number)
    )
    connection.execute(
        f"create or replace view {parsed.rows} as select {columns}"
        f"file_row_number + 1 as {quoted(LINE)}, {number} as {quoted(FILE)} "
        f"from {read_all}, file_row_number = true)"
    )
    return parsed._replace(columns=tuple(kept), is_view=True)


def _folder_keys(file: SourceFile) -> tuple[str, ...]:
    """Keys of the folders named key=value that ``file`` lies in, lower case."""
    return tuple(part.split("=")[0].lower() for part in file.path.parts[:-1] if "=" in part)


def _parquet_columns(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> list[str]:
    """Names of the columns as the file spells them.

    Raises:
        Unreadable: when a column has the name that DuckDB gives to the number of a row.
    """
    rows = connection.execute(
        f"select name, coalesce(num_children, 0) from parquet_schema({path_literal(file.path)}) offset 1"
    ).fetchall()
    names, nested = [], 0
    for name, children in rows:
        if nested:
            nested -= 1
        else:
            names.append(str(name))
        nested += children
    if "file_row_number" in (name.lower() for name in names):
        raise Unreadable("a column is called file_row_number, as the reader's own: rename it in the export")
    return names


def _read_jsonl(connection: duckdb.DuckDBPyConnection, text: Text, rows: str) -> list[str]:
    connection.execute(
        f"create or replace table lines as select text, row_number() over () as {quoted(LINE)}, "
        "case when json_valid(text) then json_type(text) end is not distinct from 'OBJECT' as is_document "
        f"from {text.lines_with_errors}"
    )
    keep_broken(connection, text)
    shown = "text" if text.file.shows_text else literal(WITHHELD)
    connection.execute(
        f"insert into broken select {quoted(LINE)}, {shown}, "
        "'the line is broken: not a JSON object' from lines where not is_document and trim(text) <> ''"
    )
    connection.execute(
        f"create or replace table documents as select text::json as json, {quoted(LINE)} "
        "from lines where is_document"
    )
    connection.execute("drop table lines")
    return _documents_to_columns(connection, text.file, rows)


def _read_json(connection: duckdb.DuckDBPyConnection, text: Text, rows: str) -> list[str]:
    # With a byte order mark before the first bracket DuckDB returns the whole list as one document.
    connection.execute(
        "create or replace table documents as select unnest(case when json_type(json) = 'ARRAY' "
        f"then json::json[] else [json] end) as json, row_number() over () as {quoted(LINE)} "
        f"from read_json_objects({path_literal(text.path)}, maximum_object_size = {LONGEST_LINE}, "
        f"compression = {literal(text.compression)})"
    )
    connection.execute(f"update documents set {quoted(LINE)} = rowid + 1")
    return _documents_to_columns(connection, text.file, rows)


def _documents_to_columns(connection: duckdb.DuckDBPyConnection, file: SourceFile, rows: str) -> list[str]:
    """Create table ``rows`` with one text column per key of the documents; nested values stay JSON text."""
    found = connection.execute(
        "select distinct unnest(json_keys(json)) as key from documents order by 1"
    ).fetchall()
    keys = [str(key) for (key,) in found]
    names = dict(zip(deduplicate_names(keys), keys, strict=True))
    kept = without_personal(file, list(names)) if names else []
    columns = [f"{json_value('json', names[name])} as {quoted(name)}, " for name in kept]
    connection.execute(
        f"create or replace table {rows} as select {''.join(columns)}{quoted(LINE)} from documents"
    )
    connection.execute("drop table documents")
    return kept


def _add_missing_keys(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    *,
    columns: list[str],
    mapping: Mapping[str, Expression],
    source: SourceConfig,
) -> None:
    """Add null columns for keys that optional columns name and that no document of this file has.

    JSON exports omit keys without a value, so an absent key means null. An absent key of a required column
    means that the export uses another name, so it is not added, except for a file without documents.
    """
    required = source.contract.required if columns else ()
    known = {name.lower() for name in (*columns, *source.pii, *source.made_columns)}
    missing = {
        key.lower(): key for name, wanted in mapping.items() if name not in required for key in wanted.columns
    }
    for key in (missing[lower] for lower in missing.keys() - known):
        connection.execute(f"alter table {rows} add column {quoted(key)} varchar")
