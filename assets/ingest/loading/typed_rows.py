"""SQL that converts a file's columns to a contract's columns, with a reason for each rejected row."""

import difflib
from collections.abc import Mapping

import duckdb

from assets.ingest.config.business import BusinessConfig, Expression
from assets.ingest.config.contract import EXPECTED, Column, Contract
from assets.ingest.parsing.files import Unreadable, describe_columns
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
# Separates a reason from its remedy; the counts of rejects by kind leave the remedy out.
REMEDY = ": map "
# Beyond this a double cannot represent every whole number.
_LARGEST_EXACT = 2**53


def typed_rows(connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles, business: BusinessConfig) -> str:
    """Build a query for the contract's columns, ``source_line``, ``file_number`` and ``reason``.

    ``reason`` is null when the row is valid. Blanks around text are trimmed before conversion:
    'C1 ' and 'C1' are one customer, and ' 12' is a number.

    Args:
        connection: The scratch database.
        parsed: Parsed files.
        business: Gives time zone and currency.

    Raises:
        Unreadable: when an expression names a column that the files lack, or does not fit their types.
    """
    types, contract = _types(connection, parsed), parsed.source.contract
    attempted = ", ".join(_attempted(name, expression) for name, expression in parsed.mapping.items())
    typed = ", ".join(_typed(column, types, time_zone=business.time_zone) for column in contract.columns)
    reasons = ", ".join(_reasons(parsed, types))
    rule_reasons = "".join(
        f", case when {rule.broken_when} then {rule.reason} end" for rule in contract.all_rules
    )
    place = f"{quoted(LINE)}, {quoted(FILE)}"
    return (
        f"with mapped as (select {place}, {attempted} from {parsed.rows}), "
        f"given as (select *, {_cleaned(parsed, types)} from mapped), "
        f"typed as (select *, {typed} from given), "
        f"filled as (select {place}, {_with_defaults(contract, business.currency)}, "
        f"nullif(concat_ws('; ', {reasons}), '') as value_reasons from typed) "
        f"select * exclude ({place}, value_reasons), {quoted(LINE)} as source_line, "
        f"{quoted(FILE)} as file_number, "
        f"nullif(concat_ws('; ', value_reasons{rule_reasons}), '') as reason from filled"
    )


def _types(connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles) -> dict[str, str]:
    """SQL type of each mapped expression, found without evaluating it."""
    columns = {str(row[0]) for row in connection.execute(f"describe {parsed.rows}").fetchall()}
    known = {name.lower() for name in columns - {LINE, FILE}}
    for name, expression in parsed.mapping.items():
        for wanted in expression.columns:
            if wanted.lower() not in known:
                raise Unreadable(_missing_column_text(parsed, name, missing=wanted))
    values = [f"({expression.sql}\n)" for expression in parsed.mapping.values()]
    try:
        described = connection.execute(f"describe select {', '.join(values)} from {parsed.rows}").fetchall()
    except duckdb.Error:
        described = [_describe_alone(connection, parsed, name) for name in parsed.mapping]
    return {name: str(row[1]) for name, row in zip(parsed.mapping, described, strict=True)}


def _describe_alone(
    connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles, name: str
) -> tuple[object, ...]:
    sql = parsed.mapping[name].sql
    try:
        found = connection.execute(f"describe select ({sql}\n) from {parsed.rows}").fetchall()
    except duckdb.Error as rejected:
        raise Unreadable(
            f"column {name} is mapped to {sql}: {str(rejected).strip().splitlines()[0]}; "
            f"{describe_columns(parsed.files[0].file, parsed.columns)}"
        ) from rejected
    return tuple(found[0])


def _missing_column_text(parsed: ParsedFiles, name: str, *, missing: str) -> str:
    mapped, pii = f"column {name} is mapped to {parsed.mapping[name].sql}", parsed.source.pii
    if missing.lower() in {column.lower() for column in pii}:
        remedy = "; to replace it by a token, set customer_ids: tokens" if name == "customer_id" else ""
        return f"{mapped}, which is personal, never read: {', '.join(pii)}{remedy}"
    lower = {column.lower(): column for column in parsed.columns}
    near = difflib.get_close_matches(missing.lower(), lower, n=1)
    meant = f" Did you mean {lower[near[0]]!r}?" if near else ""
    present = describe_columns(parsed.files[0].file, parsed.columns)
    return f"{mapped}: the file has no column {missing}; {present}.{meant}"


def _attempted(name: str, expression: Expression) -> str:
    """SQL of the mapped value, in a list that is null where evaluation fails; a plain column cannot fail."""
    value = f"({expression.sql}\n)"
    return f"{value if expression.is_plain else f'try([{value}])'} as {quoted('try ' + name)}"


def _cleaned(parsed: ParsedFiles, types: Mapping[str, str]) -> str:
    """SQL of the mapped values, trimmed; blank text, and NaN for a text column, become null."""
    texts = {column.name for column in parsed.source.contract.columns if column.type == "varchar"}
    columns = []
    for name, sql_type in types.items():
        given = quoted("try " + name) if parsed.mapping[name].is_plain else f"{quoted('try ' + name)}[1]"
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


def _reasons(parsed: ParsedFiles, types: Mapping[str, str]) -> list[str]:
    """SQL of rejection reasons over columns ``try x``, ``given x`` and ``typed x``; null on a valid row."""
    found = []
    for column in (column for column in parsed.source.contract.columns if column.name in types):
        (sql, _, is_plain), sql_type = parsed.mapping[column.name], types[column.name]
        tried, given, typed = (quoted(f"{stage} {column.name}") for stage in ("try", "given", "typed"))
        if not is_plain:
            failed = literal(f"{column.name}: {sql} cannot be worked out on this row")
            found.append(f"case when {tried} is null then {failed} end")
        if column.type != "varchar" or sql_type != "VARCHAR":
            found.append(_mistyped(column, sql, sql_type=sql_type))
        else:
            damaged = literal(f"{column.name} holds a NUL byte: the export is damaged, or is UTF-16")
            found.append(f"case when contains({typed}, chr(0)) then {damaged} end")
        if not column.is_nullable:
            missing = literal(f"{column.name} is missing: {sql} gives nothing")
            is_worked_out = "true" if is_plain else f"{tried} is not null"
            found.append(f"case when {is_worked_out} and {given} is null then {missing} end")
    return found


def _mistyped(column: Column, sql: str, *, sql_type: str) -> str:
    given, typed = quoted(f"given {column.name}"), quoted(f"typed {column.name}")
    expected = f"' is not {EXPECTED[column.type]}"
    if column.type == "varchar" and sql_type in {"DOUBLE", "FLOAT"}:
        expected = "' is a number too long to be exact: export it as text"
    remedy = _remedy(column, sql, given=given) if sql_type == "VARCHAR" else "''"
    words = f"{literal(f'{column.name} {chr(39)}')} || {given}::varchar || {literal(expected)} || {remedy}"
    return f"case when {given} is not null and {typed} is null then {words} end"


def _remedy(column: Column, sql: str, *, given: str) -> str:
    """SQL of a mapping to suggest, where the form of the value shows its meaning; never applied by itself."""
    match column.type:
        case "double" | "integer":
            remedies = {
                r"^[-+]?[0-9]{1,3}([.][0-9]{3})+,[0-9]+$": f"replace(replace({sql}, '.', ''), ',', '.')",
                r"^[-+]?[0-9]{1,3}(,[0-9]{3})+[.][0-9]+$": f"replace({sql}, ',', '')",
                r"^[-+]?[0-9]+(,[0-9]+)+$": f"replace({sql}, ',', '.') if the comma is the decimal sign, "
                f"replace({sql}, ',', '') if it groups thousands",
            }
        case "date" | "timestamp":
            remedies = {
                r"^[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}": f"strptime({sql}, '%d.%m.%Y') or the like: "
                "only you know whether the day or the month comes first"
            }
        case _:
            return "''"
    cases = " ".join(
        f"when regexp_matches({given}, {literal(shape)}) then {literal(REMEDY + words)}"
        for shape, words in remedies.items()
    )
    return f"case {cases} else '' end"
