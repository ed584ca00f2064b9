"""Functions for mappings: numbers with a decimal comma, and times that are counted since 1970."""

from collections.abc import Mapping
from types import MappingProxyType

import duckdb

from assets.ingest.config.business import Expression
from assets.ingest.parsing.file_format import format_of
from assets.ingest.parsing.readers import ParsedFiles
from assets.ingest.parsing.sql import FILE, literal, quoted

DECIMAL_COMMA = "decimal_comma"
_GROUPS = literal("[ \xa0\u2009\u202f'’]")  # noqa: RUF001
_HAS_DECIMAL_COMMA = literal(
    "[-+]?([0-9]+|[0-9]{1,3}([.][0-9]{3})+|[0-9]*,[0-9]+|[0-9]{1,3}([.][0-9]{3})+,[0-9]+)"
)
# Digits in thousands, or a number with three decimals: the text alone does not say which.
IS_AMBIGUOUS = literal("[-+]?[1-9][0-9]{0,2}[.][0-9]{3}")
_HAS_DECIMAL_DOT = "[-+]?(0?[.][0-9]+|[0-9]+[.]([0-9]{1,2}|[0-9]{4,}))"
_HAS_NO_GROUPS = "[-+]?[0-9]{4,}([.][0-9]+)?"
_CHANGE_DOTS = frozenset({"replace", "regexp_replace", "translate"})


def _ungrouped(text: str) -> str:
    return f"regexp_replace({text}, {_GROUPS}, '', 'g')"


def _instant(microseconds: int) -> str:
    # A decimal keeps what a double of so many microseconds would round.
    count = f"cast(round(cast(count as decimal(38, 6)) * {microseconds}) as bigint)"
    return f"(count) as timezone('UTC', make_timestamp({count}))"


# Where the text has another form, the last cast fails, and the row is rejected with its value.
FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        DECIMAL_COMMA: f"(text) as case when {_ungrouped('text')} = '' then null "
        f"when regexp_full_match({_ungrouped('text')}, {_HAS_DECIMAL_COMMA}) "
        f"then cast(replace(replace({_ungrouped('text')}, '.', ''), ',', '.') as double) "
        "else cast('no decimal comma' || text as double) end",
        "utc_from_seconds": _instant(1_000_000),
        "utc_from_milliseconds": _instant(1_000),
        "utc_from_microseconds": _instant(1),
    }
)
# DuckDB's own functions give such a count a time without a zone, which would be read as local.
NAIVE: Mapping[str, str] = MappingProxyType(
    {
        "epoch_ms": "utc_from_milliseconds",
        "make_timestamp_ms": "utc_from_milliseconds",
        "make_timestamp": "utc_from_microseconds",
        "make_timestamp_ns": "utc_from_microseconds",
    }
)


def create_functions(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the functions in the current database of ``connection``."""
    for name, definition in FUNCTIONS.items():
        connection.execute(f"create or replace macro {name}{definition}")


def is_not_decimal_comma(text: str) -> str:
    """SQL: whether ``text`` is not blank, and no number with a decimal comma."""
    ungrouped = _ungrouped(text)
    return f"{ungrouped} <> '' and not regexp_full_match({ungrouped}, {_HAS_DECIMAL_COMMA})"


def ambiguous_files(
    connection: duckdb.DuckDBPyConnection, parsed: ParsedFiles, types: Mapping[str, str]
) -> dict[str, list[int]]:
    """Files in which 1.234 may be 1234, by column of numbers: no other value shows what its dot is.

    In a plain column a decimal dot elsewhere, or four digits in a row, show that it is the decimal sign. In a
    column with a decimal comma it is not, unless another value has a decimal dot.

    Args:
        connection: The scratch database.
        parsed: Parsed files; only CSV can be ambiguous.
        types: SQL type of each mapped expression.
    """
    if format_of(parsed.files[0].file) != "csv":
        return {}
    doubtful = {}
    for column in parsed.source.contract.columns:
        expression = parsed.mapping.get(column.name)
        if expression is None or column.type not in ("double", "integer"):
            continue
        if expression.decimal_commas:
            texts = [f"try([{text}])[1]" for text in expression.decimal_commas]
            doubtful[column.name] = " or ".join(_is_doubtful(text, is_comma=True) for text in texts)
        elif types[column.name] == "VARCHAR":
            doubtful[column.name] = _is_doubtful_plain(expression)
    if not doubtful:
        return {}
    found = connection.execute(
        f"select {quoted(FILE)}, {', '.join(doubtful.values())} from {parsed.rows} group by 1"
    ).fetchall()
    numbers = {
        name: [file for file, *is_doubtful in found if is_doubtful[place]]
        for place, name in enumerate(doubtful)
    }
    return {name: files for name, files in numbers.items() if files}


def _is_doubtful_plain(expression: Expression) -> str:
    text = expression.sql if expression.is_plain else f"try([({expression.sql}\n)])[1]"
    if expression.functions & _CHANGE_DOTS:
        # The dot that is there may have been a comma.
        return f"bool_or(regexp_full_match(trim({text}), {IS_AMBIGUOUS}))"
    return _is_doubtful(text, is_comma=False)


def _is_doubtful(text: str, *, is_comma: bool) -> str:
    """SQL over all rows: whether one is ambiguous, and with a plain number none shows what a dot is."""
    dots = literal(_HAS_DECIMAL_DOT if is_comma else f"{_HAS_DECIMAL_DOT}|{_HAS_NO_GROUPS}")
    is_ambiguous = f"bool_or(regexp_full_match(trim({text}), {IS_AMBIGUOUS}))"
    has_decimal_dot = f"coalesce(bool_or(regexp_full_match(trim({text}), {dots})), false)"
    return f"({is_ambiguous} and {'' if is_comma else 'not '}{has_decimal_dot})"


def argument(name: str) -> str:
    """Column that holds the texts given to ``decimal_comma`` in the mapping of column ``name``."""
    return quoted(f"argument {name}")
