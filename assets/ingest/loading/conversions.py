"""SQL that converts one mapped value to the type of its column, or to null where it has none."""

from collections.abc import Mapping

from assets.ingest.config.contract import Column, SqlType
from assets.ingest.parsing.readers import ParsedFiles
from assets.ingest.parsing.spelling import clean_id, clean_text, is_id
from assets.ingest.parsing.sql import literal, quoted

# DuckDB ignores the rest of a time that it cannot parse: '10:00 PM' and '10:00 UTC' would become 10:00.
_DAY = "[0-9]{4}([-/ ])[0-9]{1,2}[-/ ][0-9]{1,2}"
_TIME = "[T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_OFFSET = " ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)"
_IS_MOMENT = f"'^{_DAY}({_TIME}({_OFFSET})?)?$'"
# A time with its own offset is an instant, whatever the business's time zone.
_HAS_OFFSET = f"':[0-9]{{2}}([.][0-9]+)?{_OFFSET}$'"
# Parquet stores instants in several units; DuckDB has a type of its own for nanoseconds, which pandas writes.
_INSTANTS = frozenset({"TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"})
# Beyond this a double cannot represent every whole number.
_LARGEST_EXACT = 2**53


def cleaned(parsed: ParsedFiles, types: Mapping[str, str]) -> str:
    """SQL of the mapped values, trimmed; blank text, and NaN for a text column, become null."""
    texts = {column.name for column in parsed.source.contract.columns if column.type == "varchar"}
    columns = []
    for name, sql_type in types.items():
        given = quoted("try " + name) if parsed.mapping[name].is_plain else f"{quoted('try ' + name)}[1]"
        if sql_type == "VARCHAR":
            given = clean_id(given) if is_id(name) else clean_text(given)
        elif sql_type in {"DOUBLE", "FLOAT"} and name in texts:
            given = f"case when not isnan({given}) then {given} end"
        columns.append(f"{given} as {quoted('given ' + name)}")
    return ", ".join(columns)


def typed(column: Column, types: Mapping[str, str], *, time_zone: str) -> str:
    """SQL of column ``typed x`` from ``given x``; null where the value is not of the column's type.

    Args:
        column: The column of the contract.
        types: SQL type of each mapped expression.
        time_zone: Where a time without an offset is local.
    """
    name = quoted("typed " + column.name)
    if column.name not in types:
        return f"null::{column.type} as {name}"
    given = quoted("given " + column.name)
    return f"{_cast(column.type, given, types[column.name], time_zone=time_zone)} as {name}"


def _cast(kind: SqlType, given: str, sql_type: str, *, time_zone: str) -> str:
    match kind:
        case "varchar":
            return _text(given, sql_type)
        case "double" | "integer":
            return _number(kind, given, sql_type)
        case "boolean" if sql_type not in {"VARCHAR", "BOOLEAN"}:
            return f"case when try_cast({given} as double) in (0, 1) then try_cast({given} as boolean) end"
        case "boolean":
            return f"try_cast({given} as boolean)"
        case "date":
            return _day(given, sql_type, time_zone=time_zone)
        case "timestamp":
            return _utc(given, sql_type, time_zone=time_zone)


def _text(given: str, sql_type: str) -> str:
    text = f"{given}::varchar"
    if sql_type.startswith("DECIMAL"):
        return f"regexp_replace({text}, '[.]0+$', '')"
    if sql_type not in {"DOUBLE", "FLOAT"}:
        return text
    # pandas stores ids as doubles when one is missing: 12345.0 is customer 12345.
    return (
        f"case when {given} <> trunc({given}) then {text} "
        f"when abs({given}) < {_LARGEST_EXACT} then {given}::bigint::varchar end"
    )


def _number(kind: SqlType, given: str, sql_type: str) -> str:
    if sql_type == "BOOLEAN":
        return f"null::{kind}"
    cast = f"try_cast({given} as {kind})"
    if kind == "integer":
        is_whole = f"try_cast({given} as double) = trunc(try_cast({given} as double))"
        return f"case when {is_whole} then {cast} end"
    return cast


def _day(given: str, sql_type: str, *, time_zone: str) -> str:
    if sql_type in _INSTANTS:
        return f"timezone({literal(time_zone)}, {given}::timestamptz)::date"
    cast = f"try_cast({given} as date)"
    if sql_type == "VARCHAR":
        return f"case when regexp_matches({given}, {_IS_MOMENT}) then {cast} end"
    return cast


def _utc(given: str, sql_type: str, *, time_zone: str) -> str:
    """SQL of naive UTC; a time without an offset is local time in ``time_zone``.

    A time in the hour skipped in spring is read as one hour later; a time in the hour repeated in autumn as
    its second occurrence.
    """
    wall = f"timezone('UTC', timezone({literal(time_zone)}, try_cast({given} as timestamp)))"
    if sql_type in _INSTANTS:
        return f"timezone('UTC', {given}::timestamptz)"
    if sql_type == "VARCHAR":
        plain = f"regexp_replace({given}, ' ?(UTC|GMT)$', 'Z')"
        instant = f"timezone('UTC', try_cast(regexp_replace({plain}, ' ([+-]|Z)', '\\1') as timestamptz))"
        return (
            f"case when not regexp_matches({given}, {_IS_MOMENT}) then null "
            f"when regexp_matches({given}, {_HAS_OFFSET}) then {instant} else {wall} end"
        )
    return wall
