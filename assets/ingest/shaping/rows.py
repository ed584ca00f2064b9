"""Rows of parsed files that are replaced by others, and the names of their columns."""

from collections.abc import Iterable

import duckdb

from assets.ingest.parsing.files import Unreadable, describe_columns
from assets.ingest.parsing.readers import ParsedFiles
from assets.ingest.parsing.sql import FILE, LINE, quoted


def replaced(connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles, query: str) -> ParsedFiles:
    """Put the rows of ``query`` in the place of those of ``parsed``.

    Args:
        connection: The scratch database.
        parsed: Parsed files.
        query: SQL of the rows, with ``landing line`` and ``landing file``.
    """
    rows = f"{parsed.rows}_shaped"
    connection.execute(f"create or replace table {rows} as {query} order by {quoted(FILE)}, {quoted(LINE)}")
    return parsed._replace(rows=rows, is_view=False)


def known_columns(parsed: ParsedFiles, names: Iterable[str], *, key: str) -> list[str]:
    """The names as the file spells them.

    Args:
        parsed: Parsed files.
        names: Names of columns.
        key: The key of the YAML that names them.

    Raises:
        Unreadable: when the file has no such column.
    """
    known = {column.lower(): column for column in parsed.columns}
    for name in names:
        if name.lower() not in known:
            present = describe_columns(parsed.files[0].file, parsed.columns)
            raise Unreadable(f"{key} names {name}, which the file does not have; {present}")
    return [known[name.lower()] for name in names]
