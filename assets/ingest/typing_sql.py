"""SQL that turns a file's columns into a raw contract's columns, and says in words what it refuses."""

from collections.abc import Mapping

import duckdb

from assets.ingest.contract import EXPECTED, Column, Contract
from assets.ingest.reading import Arrival
from assets.ingest.reading_sql import LINE, literal, quoted
from assets.ingest.sources import Business, BusinessInvalid

# A time with its own offset is an instant, whatever the business's time zone.
_HAS_OFFSET = "':[0-9]{2}.*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$'"


def typed_rows(connection: duckdb.DuckDBPyConnection, arrival: Arrival, business: Business) -> str:
    """A query over ``arrival``'s rows: the contract's columns, source_line, and reason (null when good).

    Raises:
        BusinessInvalid: when an expression names a column that the file lacks, or is not SQL.
    """
    source = arrival.file.source
    types = {name: _type_of(connection, arrival, name) for name in source.columns}
    contract = source.contract
    mapped = ", ".join(f"try([({sql}\n)]) as {quoted('try ' + name)}" for name, sql in source.columns.items())
    typed = ", ".join(_typed(column, types, time_zone=business.time_zone) for column in contract.columns)
    mistakes = ", ".join(_mistakes(contract, source.columns))
    broken = "".join(f", case when {rule.broken_when} then {rule.reason} end" for rule in contract.rules)
    return (
        f"with mapped as (select {quoted(LINE)}, {mapped} from {arrival.rows}), "
        f"given as (select *, {_given(types)} from mapped), "
        f"typed as (select *, {typed} from given), "
        f"filled as (select {quoted(LINE)}, {_filled(contract, business.currency)}, "
        f"nullif(concat_ws('; ', {mistakes}), '') as mistakes from typed) "
        f"select * exclude ({quoted(LINE)}, mistakes), {quoted(LINE)} as source_line, "
        f"nullif(concat_ws('; ', mistakes{broken}), '') as reason from filled"
    )


def _type_of(connection: duckdb.DuckDBPyConnection, arrival: Arrival, name: str) -> str:
    """The SQL type of the expression mapped to ``name``, found without running it.

    One by one, because an error ends the transaction: nothing could be asked after it.
    """
    sql = arrival.file.source.columns[name]
    try:
        described = connection.execute(
            f"describe select try([({sql}\n)])[1] as value from {arrival.rows}"
        ).fetchone()
    except duckdb.Error as refused:
        raise BusinessInvalid(_refusal(arrival, name, refused)) from refused
    return str(described[1]) if described else "VARCHAR"


def _refusal(arrival: Arrival, name: str, refused: duckdb.Error) -> str:
    source = arrival.file.source
    reason = str(refused).strip().split("\n")[0]
    withheld = f" (personal, never read: {', '.join(source.pii)})" if source.pii else ""
    return (
        f"{arrival.file.path}: source {source.name}: column {name} is mapped to {source.columns[name]}: "
        f"{reason}; the file has {', '.join(arrival.columns)}{withheld}"
    )


def _given(types: Mapping[str, str]) -> str:
    """The mapped values as they came; a blank text is as good as nothing."""
    columns = []
    for name, sql_type in types.items():
        value = f"{quoted('try ' + name)}[1]"
        is_text = sql_type == "VARCHAR"
        given = f"case when trim({value}) <> '' then {value} end" if is_text else value
        columns.append(f"{given} as {quoted('given ' + name)}")
    return ", ".join(columns)


def _typed(column: Column, types: Mapping[str, str], *, time_zone: str) -> str:
    name = quoted("typed " + column.name)
    if column.name not in types:
        return f"null::{column.type} as {name}"
    given = quoted("given " + column.name)
    if column.type == "timestamp":
        return f"{_utc(given, types[column.name], time_zone=time_zone)} as {name}"
    return f"try_cast({given} as {column.type}) as {name}"


def _utc(given: str, sql_type: str, *, time_zone: str) -> str:
    """Naive UTC; a time without an offset is the wall clock in ``time_zone``."""
    instant = f"timezone('UTC', try_cast({given} as timestamptz))"
    wall = f"timezone('UTC', timezone({literal(time_zone)}, try_cast({given} as timestamp)))"
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        return instant
    if sql_type == "VARCHAR":
        return f"case when regexp_matches({given}, {_HAS_OFFSET}) then {instant} else {wall} end"
    return wall


def _filled(contract: Contract, currency: str) -> str:
    """The landed columns: what was given, else the default; a default may use the columns before it."""
    columns = []
    for column in contract.columns:
        value = quoted("typed " + column.name)
        if column.default is not None:
            default = literal(currency) if column.default == "$currency" else column.default
            value = f"coalesce({value}, {default})::{column.type}"
        columns.append(f"{value} as {column.name}")
    return ", ".join(columns)


def _mistakes(contract: Contract, columns: Mapping[str, str]) -> list[str]:
    """SQL texts, null where nothing is wrong, about values that fail or are not there."""
    mistakes = []
    for column in (column for column in contract.columns if column.name in columns):
        tried, given, typed = (quoted(f"{stage} {column.name}") for stage in ("try", "given", "typed"))
        source = literal(f"{column.name}: {columns[column.name]} cannot be worked out on this row")
        mistakes.append(f"case when {tried} is null then {source} end")
        named = literal(f"{column.name} '")
        expected = literal(f"' is not {EXPECTED[column.type]}")
        mistakes.append(
            f"case when {given} is not null and {typed} is null "
            f"then {named} || {given}::varchar || {expected} end"
        )
        if not column.is_nullable:
            missing = literal(f"{column.name} is missing: {columns[column.name]} gives nothing")
            mistakes.append(f"case when {tried} is not null and {given} is null then {missing} end")
    return mistakes
