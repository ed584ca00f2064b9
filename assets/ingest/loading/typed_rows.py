"""SQL that converts a file's columns to a contract's columns, with a reason for each rejected row."""

import difflib
from collections.abc import Mapping

import duckdb

from assets.ingest.config.business import BusinessConfig, Expression
from assets.ingest.config.contract import Column, Contract
from assets.ingest.loading.rejection_reasons import reason_expressions
from assets.ingest.parsing.files import Unreadable
from assets.ingest.parsing.pii_columns import describe_columns
from assets.ingest.parsing.readers import ParsedFiles
from assets.ingest.parsing.sql import FILE, LINE, literal, quoted

# DuckDB ignores the rest of a time that it cannot parse: '10:00 PM' and '10:00 UTC' would become 10:00.
_DAY = "[0-9]{4}([-/ ])[0-9]{1,2}[-/ ][0-9]{1,2}"
_TIME = "[T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_OFFSET = " ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)"
_IS_MOMENT = f"'^{_DAY}({_TIME}({_OFFSET})?)?$'"
# A time with its own offset is an instant, whatever the business's time zone.
_HAS_OFFSET = f"':[0-9]{{2}}([.][0-9]+)?{_OFFSET}$'"
_BLANKS = "' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(8203) || chr(65279)"
# Trimming every value takes three times as long as testing it first.
_HAS_BLANKS = r"'^[\s\x{A0}\x{200B}\x{FEFF}]|[\s\x{A0}\x{200B}\x{FEFF}]$'"
# Beyond this a double cannot represent every whole number.
_LARGEST_EXACT = 2**53


def typed_rows(
    connection: duckdb.DuckDBPyConnection,
    parsed: ParsedFiles,
    business: BusinessConfig,
    *,
    mapping: Mapping[str, Expression],
) -> str:
    """Build a query for the contract's columns, ``source_line``, ``file_number`` and ``reason``.

    ``reason`` is null when the row is valid. Blanks around text are trimmed before conversion:
    'C1 ' and 'C1' are one customer, and ' 12' is a number.

    Args:
        connection: The scratch database.
        parsed: Parsed files.
        business: Gives time zone and currency.
        mapping: Expression of each raw column.

    Raises:
        Unreadable: when an expression names a column that the files lack, or does not fit their types.
    """
    types = _types(connection, parsed, mapping)
    contract = parsed.source.contract
    attempted = ", ".join(_attempted(name, expression) for name, expression in mapping.items())
    typed = ", ".join(_typed(column, types, time_zone=business.time_zone) for column in contract.columns)
    reasons = ", ".join(reason_expressions(contract, mapping, types))
    rule_reasons = "".join(
        f", case when {rule.broken_when} then {rule.reason} end" for rule in contract.rules
    )
    place = f"{quoted(LINE)}, {quoted(FILE)}"
    return (
        f"with mapped as (select {place}, {attempted} from {parsed.rows}), "
        f"given as (select *, {_cleaned(types, contract, mapping)} from mapped), "
        f"typed as (select *, {typed} from given), "
        f"filled as (select {place}, {_with_defaults(contract, business.currency)}, "
        f"nullif(concat_ws('; ', {reasons}), '') as value_reasons from typed) "
        f"select * exclude ({place}, value_reasons), {quoted(LINE)} as source_line, "
        f"{quoted(FILE)} as file_number, "
        f"nullif(concat_ws('; ', value_reasons{rule_reasons}), '') as reason from filled"
    )


def _types(
    connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles, mapping: Mapping[str, Expression]
) -> dict[str, str]:
    """SQL type of each mapped expression, found without evaluating it."""
    columns = {str(row[0]) for row in connection.execute(f"describe {parsed.rows}").fetchall()}
    known = {name.lower() for name in columns - {LINE, FILE}}
    for name, expression in mapping.items():
        missing = [wanted for wanted in expression.columns if wanted.lower() not in known]
        if missing:
            raise Unreadable(_missing_column_text(parsed, name, expression=expression, missing=missing[0]))
    values = [f"({expression.sql}\n)" for expression in mapping.values()]
    try:
        described = connection.execute(f"describe select {', '.join(values)} from {parsed.rows}").fetchall()
    except duckdb.Error:
        described = [
            _describe_alone(connection, parsed, name, expression=expression)
            for name, expression in mapping.items()
        ]
    return {name: str(row[1]) for name, row in zip(mapping, described, strict=True)}


def _describe_alone(
    connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles, name: str, *, expression: Expression
) -> tuple[object, ...]:
    try:
        found = connection.execute(f"describe select ({expression.sql}\n) from {parsed.rows}").fetchall()
    except duckdb.Error as rejected:
        raise Unreadable(
            f"column {name} is mapped to {expression.sql}: {str(rejected).strip().splitlines()[0]}; "
            f"{describe_columns(parsed.files[0].file, parsed.columns)}"
        ) from rejected
    return tuple(found[0])


def _missing_column_text(parsed: ParsedFiles, name: str, *, expression: Expression, missing: str) -> str:
    source = parsed.source
    mapped = f"column {name} is mapped to {expression.sql}"
    if missing.lower() in {column.lower() for column in source.pii}:
        remedy = "; to replace it by a token, set customer_ids: tokens" if name == "customer_id" else ""
        return f"{mapped}, which is personal, never read: {', '.join(source.pii)}{remedy}"
    lower = {column.lower(): column for column in parsed.columns}
    near = difflib.get_close_matches(missing.lower(), lower, n=1)
    meant = f" Did you mean {lower[near[0]]!r}?" if near else ""
    present = describe_columns(parsed.files[0].file, parsed.columns)
    return f"{mapped}: the file has no column {missing}; {present}.{meant}"


def _attempted(name: str, expression: Expression) -> str:
    """SQL of the mapped value, in a list that is null where evaluation fails; a plain column cannot fail."""
    value = f"({expression.sql}\n)"
    return f"{value if expression.is_plain else f'try([{value}])'} as {quoted('try ' + name)}"


def _cleaned(types: Mapping[str, str], contract: Contract, mapping: Mapping[str, Expression]) -> str:
    """SQL of the mapped values, trimmed; blank text, and NaN for a text column, become null."""
    texts = {column.name for column in contract.columns if column.type == "varchar"}
    columns = []
    for name, sql_type in types.items():
        given = quoted("try " + name) if mapping[name].is_plain else f"{quoted('try ' + name)}[1]"
        if sql_type == "VARCHAR":
            trimmed = f"nullif(trim({given}, {_BLANKS}), '')"
            given = (
                f"case when {given} = '' then null when regexp_matches({given}, {_HAS_BLANKS}) "
                f"then {trimmed} else {given} end"
            )
        elif sql_type in {"DOUBLE", "FLOAT"} and name in texts:
            given = f"case when not isnan({given}) then {given} end"
        columns.append(f"{given} as {quoted('given ' + name)}")
    return ", ".join(columns)


def _typed(column: Column, types: Mapping[str, str], *, time_zone: str) -> str:
    name = quoted("typed " + column.name)
    if column.name not in types:
        return f"null::{column.type} as {name}"
    given, sql_type = quoted("given " + column.name), types[column.name]
    cast = f"try_cast({given} as {column.type})"
    match column.type:
        case "varchar" if sql_type in {"DOUBLE", "FLOAT"}:
            # pandas stores ids as doubles when one is missing: 12345.0 is customer 12345.
            cast = (
                f"case when {given} <> trunc({given}) then {cast} "
                f"when abs({given}) < {_LARGEST_EXACT} then {given}::bigint::varchar end"
            )
        case "integer":
            cast = (
                f"case when try_cast({given} as double) = trunc(try_cast({given} as double)) then {cast} end"
            )
        case "boolean" if sql_type not in {"VARCHAR", "BOOLEAN"}:
            cast = f"case when try_cast({given} as double) in (0, 1) then {cast} end"
        case "date" if sql_type == "VARCHAR":
            cast = f"case when regexp_matches({given}, {_IS_MOMENT}) then {cast} end"
        case "timestamp":
            cast = _utc(given, sql_type, time_zone=time_zone)
    return f"{cast} as {name}"


def _utc(given: str, sql_type: str, *, time_zone: str) -> str:
    """SQL of naive UTC; a time without an offset is local time in ``time_zone``.

    A time in the hour skipped in spring is read as one hour later; a time in the hour repeated in autumn as
    its second occurrence.
    """
    wall = f"timezone('UTC', timezone({literal(time_zone)}, try_cast({given} as timestamp)))"
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {given})"
    if sql_type == "VARCHAR":
        plain = f"regexp_replace({given}, ' ?(UTC|GMT)$', 'Z')"
        instant = f"timezone('UTC', try_cast(regexp_replace({plain}, ' ([+-]|Z)', '\\1') as timestamptz))"
        return (
            f"case when not regexp_matches({given}, {_IS_MOMENT}) then null "
            f"when regexp_matches({given}, {_HAS_OFFSET}) then {instant} else {wall} end"
        )
    return wall


def _with_defaults(contract: Contract, currency: str) -> str:
    """SQL of the raw columns: the typed value, else the default, which may use earlier columns."""
    columns = []
    for column in contract.columns:
        value = quoted("typed " + column.name)
        if column.default is not None:
            default = literal(currency) if column.default == "$currency" else column.default
            value = f"coalesce({value}, {default})::{column.type}"
        columns.append(f"{value} as {column.name}")
    return ", ".join(columns)
