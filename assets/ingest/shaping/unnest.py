"""One row per item of a list, or of numbered columns such as ``item_1`` and ``item_2``."""

import re
from collections.abc import Mapping

import duckdb

from assets.ingest.config.contracts import PERSONS
from assets.ingest.parsing.files import Unreadable, describe_columns
from assets.ingest.parsing.readers import ParsedFiles
from assets.ingest.parsing.sql import FILE, LINE, json_value, quoted
from assets.ingest.shaping.rows import known_columns, replaced

_ITEM, _ITEMS, _NUMBER = '"landing item"', '"landing items"', '"landing number"'


def unnested(connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles) -> ParsedFiles:
    """Make a row of each item that the source's ``unnest`` names.

    Args:
        connection: The scratch database.
        parsed: Parsed files.

    Returns:
        The files with a table of the items; ``parsed`` itself where its source unnests nothing.

    Raises:
        Unreadable: when the files have no such column or no list in it, or a person is an item.
    """
    unnest = parsed.source.unnest
    if unnest is None:
        return parsed
    if isinstance(unnest, str):
        return _unnested(connection, parsed, unnest)
    return _unnested_numbered(connection, parsed, unnest)


def _unnested(connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles, unnest: str) -> ParsedFiles:
    """Make a row of each item of list ``unnest``, which then holds the item; its fields are ``unnest.field``.

    A record without items keeps one row without an item, so that it is not lost silently.
    """
    (name,) = known_columns(parsed, [unnest], key="unnest")
    _refuse_person_in_item(parsed, name)
    kind = str(connection.execute(f"describe select {quoted(name)} from {parsed.rows}").fetchall()[0][1])
    if kind.endswith("[]"):
        return _one_row_per_item(connection, parsed, items=quoted(name), columns={name: _ITEM})
    if kind != "VARCHAR":
        raise Unreadable(f"unnest names {name}, which is {kind} and no list")
    text = quoted(name)
    items = (
        f"case when not json_valid({text}) then null when json_type({text}) = 'ARRAY' then "
        f"{text}::json::json[] "
        f"else [{text}::json] end"
    )
    fields = _fields(connection, parsed, name, items)
    pairs = ", ".join(f"{quoted(field)} := {json_value(_ITEM, field)}" for field in fields)
    item = f"case when {_ITEM} is not null then struct_pack({pairs}) end" if pairs else f"{_ITEM} ->> '$'"
    return _one_row_per_item(connection, parsed, items=items, columns={name: item})


def _fields(connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles, name: str, items: str) -> list[str]:
    """Fields of the items, and those that optional columns name and no item has; one of each spelling."""
    found = connection.execute(
        "select distinct unnest(json_keys(item)) as key from (select unnest(items) as item from "
        f"(select {items} as items from {parsed.rows})) where json_type(item) = 'OBJECT' order by 1"
    ).fetchall()
    required = parsed.source.contract.required if found else ()
    optional = {
        field
        for column, expression in parsed.mapping.items()
        if column not in required
        for owner, field in expression.fields
        if owner.lower() == name.lower()
    }
    fields: dict[str, str] = {}
    for field in (*(str(key) for (key,) in found), *sorted(optional)):
        fields.setdefault(field.lower(), field)
    return list(fields.values())


def _unnested_numbered(
    connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles, unnest: Mapping[str, str]
) -> ParsedFiles:
    """Make a row of each number of columns such as ``item_1_sku``; ``unnest`` has a pattern per new column.

    Numbers whose columns are all blank make no row, but a record keeps one row.
    """
    known = {column.lower(): column for column in parsed.columns}
    numbers = {number for name, pattern in unnest.items() for number in _numbers(parsed, name, pattern)}
    structs = []
    for number in sorted(numbers):
        columns = {
            name: known.get(pattern.replace("{n}", str(number)).lower()) for name, pattern in unnest.items()
        }
        fields = [
            f"{quoted(name)} := {quoted(column) if column else 'null'}" for name, column in columns.items()
        ]
        blank = " and ".join(f"{quoted(column)} is null" for column in columns.values() if column)
        structs.append(f"case when not ({blank}) then struct_pack({', '.join(fields)}) end")
    items = f"list_filter([{', '.join(structs)}], lambda item: item is not null)"
    made = {name: f"{_ITEM}.{quoted(name)}" for name in unnest}
    parsed = _one_row_per_item(connection, parsed, items=items, columns=made)
    return parsed._replace(columns=(*parsed.columns, *unnest))


def _numbers(parsed: ParsedFiles, name: str, pattern: str) -> set[int]:
    """Numbers of the columns that ``pattern`` of new column ``name`` names."""
    known = {column.lower() for column in parsed.columns}
    matcher = re.compile(re.escape(pattern.lower()).replace(re.escape("{n}"), "([0-9]+)"))
    found = {int(match[1]) for column in known if (match := matcher.fullmatch(column))}
    if not found or name.lower() in known:
        present = describe_columns(parsed.files[0].file, parsed.columns)
        problem = "is a column already" if found else f"is {pattern}, and the file has no such column"
        raise Unreadable(f"unnest: {name} {problem}; {present}")
    return found


def _one_row_per_item(
    connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles, *, items: str, columns: Mapping[str, str]
) -> ParsedFiles:
    """Replace the rows by one per item: ``columns`` is SQL over ``_ITEM``; lines count the items."""
    own = {column.lower() for column in parsed.columns}
    changed = [f"{sql} as {quoted(name)}" for name, sql in columns.items() if name.lower() in own]
    added = [f"{sql} as {quoted(name)}, " for name, sql in columns.items() if name.lower() not in own]
    others = f"exclude ({_ITEM}, {_ITEMS}, {_NUMBER}, {quoted(LINE)})"
    replacing = f" replace ({', '.join(changed)})" if changed else ""
    return replaced(
        connection,
        parsed,
        f"with listed as (select *, {items} as {_ITEMS} from {parsed.rows}), "
        f"numbered as (select *, unnest(range(greatest(coalesce(len({_ITEMS}), 0), 1))) as {_NUMBER} from "
        "listed), "
        f"itemised as (select *, {_ITEMS}[{_NUMBER} + 1] as {_ITEM} from numbered) "
        f"select * {others}{replacing}, {''.join(added)}row_number() over "
        f"(partition by {quoted(FILE)} order by {quoted(LINE)}, {_NUMBER}) as {quoted(LINE)} from itemised",
    )


def _refuse_person_in_item(parsed: ParsedFiles, name: str) -> None:
    for person in PERSONS:
        if person in parsed.mapping and name.lower() in {
            each.lower() for each in parsed.mapping[person].columns
        }:
            raise Unreadable(
                f"column {person} is mapped to {parsed.mapping[person].sql}, an item of {name}: map a "
                "column of "
                "the record, because an erasure removes records"
            )
