"""Columns of other files, such as the headers of orders, joined to each row by key."""

from collections.abc import Mapping

import duckdb

from assets.ingest.config.business import BusinessConfig, SourceConfig
from assets.ingest.config.pull import Join
from assets.ingest.parsing.files import OrderedFile, Unreadable, resolved_files
from assets.ingest.parsing.readers import ParsedFiles, read
from assets.ingest.parsing.spelling import clean_id
from assets.ingest.parsing.sql import FILE, quoted
from assets.ingest.shaping.rows import known_columns, replaced

_JOINED = "joined_rows"
# Parsed tables are called by the number of their file; those of joined files must not meet them.
_FIRST_NUMBER = 1_000_000_000


def joined(
    connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles, business: BusinessConfig
) -> ParsedFiles:
    """Add the columns of the source's ``join`` to each row; a row without a match gets nulls.

    Args:
        connection: The scratch database.
        parsed: Parsed files.
        business: Names the folders of the joined files.

    Returns:
        The files with a table of the joined rows; ``parsed`` itself where its source joins nothing.

    Raises:
        Unreadable: when a column is missing or in both, or a file has two different rows of one key.
        BusinessInvalid: when there is no file to be joined.
    """
    join, source = parsed.source.join, parsed.source.joined
    if join is None or source is None:
        return parsed
    own = known_columns(parsed, join.by, key="join.by")
    both = {name.lower() for name in join.columns} & {name.lower() for name in parsed.columns}
    if both:
        raise Unreadable(
            f"join: the file has a column {sorted(both)[0]} itself: leave it out of join.columns"
        )
    # Reading the joined files makes their own table of broken lines.
    connection.execute("create or replace table broken_rows as from broken")
    _read_joined(connection, business, source, join)
    connection.execute("create or replace table broken as from broken_rows")
    same = " and ".join(
        f"{clean_id(f'rows.{quoted(name)}::varchar')} = key_{place}" for place, name in enumerate(own)
    )
    added = ", ".join(f"{_JOINED}.{quoted(name)}" for name in join.columns)
    query = f"select rows.*, {added} from {parsed.rows} as rows left join {_JOINED} on {same}"
    made = replaced(connection, parsed, query)
    return made._replace(columns=(*parsed.columns, *join.columns))


def _read_joined(
    connection: duckdb.DuckDBPyConnection, business: BusinessConfig, source: SourceConfig, join: Join
) -> None:
    """Create ``joined_rows``: the key as text and the columns, from the newest file that has the key."""
    connection.execute(f"drop table if exists {_JOINED}")
    keys = ", ".join(f"key_{place}" for place in range(len(join.by)))
    for number, file in enumerate(resolved_files(business, source), start=_FIRST_NUMBER):
        headers = read(connection, (OrderedFile(number, file),), {})
        names = known_columns(headers, [*join.by.values(), *join.columns], key="join")
        spelt = dict(zip([*join.by.values(), *join.columns], names, strict=True))
        _refuse_broken(connection, file.name)
        key = ", ".join(
            f"{clean_id(f'{quoted(spelt[name])}::varchar')} as key_{place}"
            for place, name in enumerate(join.by.values())
        )
        columns = ", ".join(f"{quoted(spelt[name])} as {quoted(name)}" for name in join.columns)
        select = f"select distinct {key}, {columns}, {number} as {quoted(FILE)} from {headers.rows}"
        is_first = number == _FIRST_NUMBER
        connection.execute(
            f"create table {_JOINED} as {select}" if is_first else f"insert into {_JOINED} by name {select}"
        )
        kind = "view" if headers.is_view else "table"
        connection.execute(f"drop {kind} {headers.rows}")
        _refuse_multiplication(connection, keys, name=file.name, by=join.by)
    # Of several files that have a key, the newest.
    connection.execute(
        f"create or replace table {_JOINED} as from {_JOINED} "
        f"qualify {quoted(FILE)} = max({quoted(FILE)}) over (partition by {keys})"
    )


def _refuse_broken(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    found = connection.execute("select source_line, reason from broken order by 1 limit 1").fetchone()
    if found is not None:
        raise Unreadable(f"join: line {found[0]} of {name}: {found[1]}; its rows would be missing")


def _refuse_multiplication(
    connection: duckdb.DuckDBPyConnection, keys: str, *, name: str, by: Mapping[str, str]
) -> None:
    found = connection.execute(
        f"select concat_ws(' ', {keys}), count(*) from {_JOINED} group by {keys}, {quoted(FILE)} "
        "having count(*) > 1 order by 1 limit 1"
    ).fetchone()
    if found is not None:
        raise Unreadable(
            f"join: {name} has {found[1]} different rows of {', '.join(by.values())} {found[0]!r}, so that "
            "it "
            "would multiply rows: name in join.by the columns that identify its rows, or deliver one row each"
        )
