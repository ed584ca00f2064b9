"""Shape a file's rows before they are typed: unnest, join, carry values down, and leave rows out."""

from collections.abc import Mapping

import duckdb

from assets.ingest.config.business import WHERE, BusinessConfig
from assets.ingest.parsing.files import NOBODY, Unreadable, describe_columns
from assets.ingest.parsing.readers import ParsedFiles
from assets.ingest.parsing.sql import FILE, LINE, literal, quoted
from assets.ingest.shaping.join import joined
from assets.ingest.shaping.rows import known_columns, replaced
from assets.ingest.shaping.unnest import unnested

# Whether ``where`` keeps a row: null where a value is missing.
_KEPT = '"landing kept"'


def shaped(
    connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles, business: BusinessConfig
) -> ParsedFiles:
    """Unnest, join, carry down ``fill_down``, and leave out the rows for which ``where`` is false.

    Table ``left_out`` counts the rows that are left out (file_number, row_count).

    Args:
        connection: The scratch database.
        parsed: Parsed files.
        business: Whose files they are; names the folders of the joined files.

    Returns:
        The files with a table of the remaining rows; ``parsed`` itself where its source shapes nothing.

    Raises:
        Unreadable: when a key of the source names a column that the files lack, ``where`` is no condition, or
            a join would multiply rows.
        BusinessInvalid: when no file is there to be joined.
    """
    parsed = joined(connection, unnested(connection, parsed), business)
    parsed = filled_down(connection, parsed)
    return _without_left_out(connection, parsed) if WHERE in parsed.mapping else parsed


def _given(name: str) -> str:
    """SQL of a value; null also for the word that stands for no id in a redacted file."""
    column = quoted(name)
    return f"case when {column}::varchar is distinct from {literal(NOBODY)} then {column} end"


def filled_down(connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles) -> ParsedFiles:
    """Give a blank value the value of the first row of its unit, such as an order, in the same file.

    A column of the unit's own key has the value of the row above: its unit is not known before.

    Args:
        connection: The scratch database.
        parsed: Parsed files.

    Returns:
        The files with a table of the filled rows; ``parsed`` itself where its source fills nothing.

    Raises:
        Unreadable: when ``fill_down`` names a column that the files lack.
    """
    if not parsed.source.fill_down:
        return parsed
    names = known_columns(parsed, parsed.source.fill_down, key="fill_down")
    contract = parsed.source.contract
    key = [parsed.mapping[name] for name in contract.key if name in parsed.mapping]
    of_key = {column.lower() for expression in key for column in expression.columns}
    above = [name for name in names if name.lower() in of_key]
    first = [name for name in names if name not in above]
    if above:
        values = {name: f"last_value({_given(name)} ignore nulls) over unit" for name in above}
        parsed = _filled(connection, parsed, values, unit="")
    if first:
        values = {name: f"coalesce({_given(name)}, first_value({_given(name)}) over unit)" for name in first}
        unit = "".join(f", try(({expression.sql}\n))" for expression in key)
        parsed = _filled(connection, parsed, values, unit=unit)
    return parsed


def _filled(
    connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles, values: Mapping[str, str], *, unit: str
) -> ParsedFiles:
    """Replace columns by ``values``, SQL over the window ``unit`` of a file and what divides it further."""
    columns = ", ".join(f"{sql} as {quoted(name)}" for name, sql in values.items())
    window = f"partition by {quoted(FILE)}{unit} order by {quoted(LINE)}"
    query = f"select * replace ({columns}) from {parsed.rows} window unit as ({window})"
    return replaced(connection, parsed, query)


def _without_left_out(connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles) -> ParsedFiles:
    condition = parsed.mapping[WHERE].sql
    mapping = {name: expression for name, expression in parsed.mapping.items() if name != WHERE}
    decided = f"select *, try(({condition}\n)) as {_KEPT} from {parsed.rows}"
    try:
        kind = connection.execute(f"describe select {_KEPT} from ({decided})").fetchall()[0][1]
    except duckdb.Error as rejected:
        present = describe_columns(parsed.files[0].file, parsed.columns)
        raise Unreadable(
            f"where is {condition}: {str(rejected).strip().splitlines()[0]}; {present}"
        ) from rejected
    if kind != "BOOLEAN":
        raise Unreadable(
            f"where is {condition}, which gives {kind}: write a condition, such as status <> 'void'"
        )
    parsed = replaced(connection, parsed, decided)
    # A batch of files that fails is read again in halves.
    numbers = [each.number for each in parsed.files]
    connection.execute(
        "delete from left_out where list_contains($numbers, file_number)", {"numbers": numbers}
    )
    connection.execute(
        f"insert into left_out select {quoted(FILE)}, count(*) from {parsed.rows} where not {_KEPT} "
        f"group by 1; delete from {parsed.rows} where not {_KEPT}"
    )
    return parsed._replace(mapping=mapping)


def reject_undecided(connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles) -> None:
    """Reject the rows in ``incoming`` for which ``where`` gives neither true nor false.

    Args:
        connection: The scratch database.
        parsed: Files that :func:`shaped` has shaped.
    """
    condition = parsed.source.where
    if condition is None:
        return
    words = literal(
        f"where is {condition}, which gives neither true nor false on this row: say in it what a blank "
        "means, as in coalesce(status, '') <> 'void'"
    )
    connection.execute(
        f"update incoming set reason = concat_ws('; ', {words}, reason) from {parsed.rows} as rows "
        f"where rows.{quoted(FILE)} = file_number and rows.{quoted(LINE)} = source_line "
        f"and rows.{_KEPT} is null"
    )
