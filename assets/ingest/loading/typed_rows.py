"""SQL that converts a file's columns to a contract's columns, with a reason for each rejected row."""

import difflib
import unicodedata

import duckdb

from assets.ingest.config.business import BusinessConfig, Expression
from assets.ingest.config.contract import Contract
from assets.ingest.loading.conversions import cleaned, typed
from assets.ingest.loading.mapping_functions import ambiguous_files, argument
from assets.ingest.loading.reasons import reasons
from assets.ingest.parsing.files import Unreadable, describe_columns
from assets.ingest.parsing.readers import ParsedFiles
from assets.ingest.parsing.sql import FILE, LINE, literal, quoted


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
    columns = ", ".join(typed(column, types, time_zone=business.time_zone) for column in contract.columns)
    ambiguous = ambiguous_files(connection, parsed, types)
    value_reasons = ", ".join(reasons(parsed, types, ambiguous=ambiguous))
    rule_reasons = "".join(
        f", case when {rule.broken_when} then {rule.reason} end" for rule in contract.all_rules
    )
    place = f"{quoted(LINE)}, {quoted(FILE)}"
    return (
        f"with mapped as (select {place}, {attempted} from {parsed.rows}), "
        f"given as (select *, {cleaned(parsed, types)} from mapped), "
        f"typed as (select *, {columns} from given), "
        f"filled as (select {place}, {_with_defaults(contract, business.currency)}, "
        f"nullif(concat_ws('; ', {value_reasons}), '') as value_reasons from typed)"
        f"{_aligned_days(contract, business.time_zone)} "
        f"select * exclude ({place}, value_reasons), {quoted(LINE)} as source_line, "
        f"{quoted(FILE)} as file_number, "
        f"nullif(concat_ws('; ', value_reasons{rule_reasons}), '') as reason from aligned"
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
            f"{_casts(parsed, name) if 'No function matches' in str(rejected) else ''}"
            f"{describe_columns(parsed.files[0].file, parsed.columns)}"
        ) from rejected
    return tuple(found[0])


def _casts(parsed: ParsedFiles, name: str) -> str:
    """How the columns of a calculation become numbers; nothing for Parquet, whose columns have types."""
    if parsed.is_view:
        return ""
    casts = " and ".join(f"cast({quoted(column)} as double)" for column in parsed.mapping[name].columns)
    return f"columns of this file are text, so for a calculation write {casts}; "


def _missing_column_text(parsed: ParsedFiles, name: str, *, missing: str) -> str:
    mapped, pii = f"column {name} is mapped to {parsed.mapping[name].sql}", parsed.source.pii
    if missing.lower() in {column.lower() for column in pii}:
        remedy = "; to replace it by a token, set customer_ids: tokens" if name == "customer_id" else ""
        return f"{mapped}, which is personal, never read: {', '.join(pii)}{remedy}"
    lower = {column.lower(): column for column in parsed.columns}
    near = difflib.get_close_matches(missing.lower(), lower, n=1)
    meant = f" Did you mean {lower[near[0]]!r}?{_look_alikes(missing, lower[near[0]])}" if near else ""
    present = describe_columns(parsed.files[0].file, parsed.columns)
    return f"{mapped}: the file has no column {missing}; {present}.{meant}"


def _look_alikes(wanted: str, present: str) -> str:
    """Name the letters of ``present`` that the same place of ``wanted`` has not, where they are not ASCII.

    A Cyrillic letter prints like a Latin one, and a blank of no width not at all.
    """
    unusual = [letter for letter in present if not letter.isascii() and letter not in wanted]
    if not unusual:
        return ""
    names = ", ".join(
        f"{unicodedata.name(letter, 'a letter without a name')} (U+{ord(letter):04X})" for letter in unusual
    )
    return f" It has {names}: rename it in the export, or copy its name into the mapping."


def _attempted(name: str, expression: Expression) -> str:
    """SQL of the mapped value, in a list that is null where evaluation fails; a plain column cannot fail."""
    value = f"({expression.sql}\n)"
    tried = f"{value if expression.is_plain else f'try([{value}])'} as {quoted('try ' + name)}"
    texts = ", ".join(expression.decimal_commas)
    return f"{tried}, try([{texts}]) as {argument(name)}" if texts else tried


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


def _aligned_days(contract: Contract, time_zone: str) -> str:
    """SQL of ``aligned``: a day without a time is not before a time of the same day, but with it.

    A day is a local midnight in the tables, also where pandas has written it as a time.
    """
    moved = []
    for later, earlier in (rule.order for rule in contract.rules if rule.order is not None):
        local = [f"timezone({literal(time_zone)}, timezone('UTC', {moment}))" for moment in (later, earlier)]
        is_same_day = f"{local[0]} = date_trunc('day', {local[1]})"
        moved.append(f"case when {is_same_day} then {earlier} else {later} end as {later}")
    replaced = f" replace ({', '.join(moved)})" if moved else ""
    return f", aligned as (select *{replaced} from filled)"
