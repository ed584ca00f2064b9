"""SQL of the reasons why a row is rejected, each with a remedy where the value shows one."""

from collections.abc import Mapping, Sequence

from assets.ingest.config.business import Expression
from assets.ingest.config.contract import EXPECTED, Column
from assets.ingest.loading.mapping_functions import (
    DECIMAL_COMMA,
    IS_AMBIGUOUS,
    argument,
    is_not_decimal_comma,
)
from assets.ingest.parsing.readers import ParsedFiles
from assets.ingest.parsing.sql import FILE, literal, quoted

# Separates a reason from its remedy; the counts of rejects by kind leave the remedy out.
REMEDY = ": map "
_CURRENCY = r"[ \xA0]*(\p{Sc}|[A-Za-z]{3})?[ \xA0]*"
_IS_TOTAL = r"^(?i)(grand )?(total|sum|summe|gesamt|somme|suma|totale|totaal)\b"


def reasons(
    parsed: ParsedFiles, types: Mapping[str, str], *, ambiguous: Mapping[str, Sequence[int]]
) -> list[str]:
    """SQL of rejection reasons over columns ``try x``, ``given x`` and ``typed x``; null on a valid row.

    Args:
        parsed: Parsed files.
        types: SQL type of each mapped expression.
        ambiguous: Files in which 1.234 may be 1234, by column of numbers.
    """
    found = []
    for column in (column for column in parsed.source.contract.columns if column.name in types):
        expression, sql_type = parsed.mapping[column.name], types[column.name]
        typed = quoted(f"typed {column.name}")
        found += _evaluation_reasons(column, expression)
        if expression.decimal_commas:
            found += _comma_reasons(column, expression, files=ambiguous.get(column.name, ()))
        elif column.name in ambiguous:
            found.append(_ambiguous(column, expression, files=ambiguous[column.name]))
        if column.type != "varchar" or sql_type != "VARCHAR":
            found.append(_mistyped(column, expression.sql, sql_type=sql_type))
        else:
            damaged = literal(f"{column.name} holds a NUL byte: the export is damaged, or is UTF-16")
            found.append(f"case when contains({typed}, chr(0)) then {damaged} end")
    return found


def _evaluation_reasons(column: Column, expression: Expression) -> list[str]:
    """Reasons of a value that cannot be worked out, or is missing."""
    tried, given = quoted(f"try {column.name}"), quoted(f"given {column.name}")
    found, is_worked_out = [], "true"
    if not expression.is_plain:
        is_worked_out = f"{tried} is not null"
        failed = literal(f"{column.name}: {expression.sql} cannot be worked out on this row")
        is_new = f"{_bad_argument(column)} is null" if expression.decimal_commas else "true"
        found.append(f"case when {tried} is null and {is_new} then {failed} end")
    if not column.is_nullable:
        missing = literal(f"{column.name} is missing: {expression.sql} gives nothing")
        found.append(f"case when {is_worked_out} and {given} is null then {missing} end")
    return found


def _bad_argument(column: Column) -> str:
    return f"list_filter({argument(column.name)}, lambda text: {is_not_decimal_comma('text')})[1]"


def _comma_reasons(column: Column, expression: Expression, *, files: Sequence[int]) -> list[str]:
    """Reasons of texts without a decimal comma, and of those that may have a decimal dot."""
    begin, bad = literal(f"{column.name} '"), _bad_argument(column)
    end = literal(
        f"' is not a number with a decimal comma{REMEDY}{expression.decimal_commas[0]} if the dot is the "
        "decimal sign"
    )
    found = [f"case when {bad} is not null then {begin} || {bad} || {end} end"]
    if files:
        is_one = f"regexp_full_match(trim(text), {IS_AMBIGUOUS})"
        doubtful = f"list_filter({argument(column.name)}, lambda text: {is_one})[1]"
        end = literal(
            "' is not a clear number, because others in the file have a decimal dot: export the column in "
            "one form"
        )
        found.append(
            f"case when {_is_in(files)} and {doubtful} is not null then {begin} || {doubtful} || {end} end"
        )
    return found


def _is_in(files: Sequence[int]) -> str:
    return f"{quoted(FILE)} in ({', '.join(map(str, files))})"


def _ambiguous(column: Column, expression: Expression, *, files: Sequence[int]) -> str:
    given, begin = quoted(f"given {column.name}"), literal(f"{column.name} '")
    # The advised function works on the text as delivered, not on what another one made of it.
    sql = expression.sql
    text = sql if expression.is_plain or len(expression.columns) > 1 else quoted(expression.columns[0])
    end = literal(
        f"' is not a clear number{REMEDY}{DECIMAL_COMMA}({text}) if the dot groups thousands, cast({sql} as "
        "double) if it is the decimal sign"
    )
    is_one = f"{_is_in(files)} and regexp_full_match({given}, {IS_AMBIGUOUS})"
    return f"case when {is_one} then {begin} || {given} || {end} end"


def _mistyped(column: Column, sql: str, *, sql_type: str) -> str:
    given, typed = quoted(f"given {column.name}"), quoted(f"typed {column.name}")
    expected = f"' is not {EXPECTED[column.type]}"
    if column.type == "varchar" and sql_type in {"DOUBLE", "FLOAT"}:
        expected = "' is a number too long to be exact: export it as text"
    remedy = _remedy(column, sql, given=f"{given}::varchar")
    if sql_type == "BOOLEAN" and column.type in ("double", "integer"):
        remedy = literal(f"{REMEDY}cast({sql} as integer) if true stands for 1")
    words = f"{literal(f'{column.name} {chr(39)}')} || {given}::varchar || {literal(expected)} || {remedy}"
    return f"case when {given} is not null and {typed} is null then {words} end"


def _remedy(column: Column, sql: str, *, given: str) -> str:
    """SQL of a remedy to suggest, where the form of the value shows its meaning; never applied by itself."""
    match column.type:
        case "double" | "integer":
            remedies = _remedies_of_numbers(sql)
        case "date" | "timestamp":
            remedies = _remedies_of_times(sql)
        case _:
            return "''"
    cases = " ".join(
        f"when regexp_matches({given}, {literal(shape)}) then {literal(remedy)}"
        for shape, remedy in remedies.items()
    )
    return f"case {cases} else '' end"


def _remedies_of_numbers(sql: str) -> dict[str, str]:
    return {
        r"^[-+]?[0-9]{1,3}([. \xA0\x{202F}][0-9]{3})+,[0-9]+$": f"{REMEDY}{DECIMAL_COMMA}({sql})",
        r"^[-+]?[0-9]{1,3}(,[0-9]{3})+[.][0-9]+$": f"{REMEDY}replace({sql}, ',', '')",
        r"^[-+]?[0-9]+(,[0-9]+)+$": f"{REMEDY}{DECIMAL_COMMA}({sql}) if the comma is the decimal sign, "
        f"replace({sql}, ',', '') if it groups thousands",
        # Neither brackets nor a minus at the end: without them the number would have the other sign.
        rf"^[-+]?{_CURRENCY}[-+]?[0-9][0-9.,]*{_CURRENCY}$": f"{REMEDY}regexp_replace({sql}, '[^0-9.,+-]', "
        "'', 'g') to drop the currency, inside decimal_comma where the comma is the decimal sign",
    }


def _remedies_of_times(sql: str) -> dict[str, str]:
    counts = {
        rf"^[0-9]{{{digits}}}([.][0-9]+)?$": f"{REMEDY}utc_from_{unit}({sql}) if it counts {unit} since 1970"
        for digits, unit in (("9,10", "seconds"), ("12,13", "milliseconds"), ("15,16", "microseconds"))
    }
    return {
        **counts,
        r"^[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}": f"{REMEDY}strptime({sql}, '%d.%m.%Y') or the like: "
        "only you know whether the day or the month comes first",
        _IS_TOTAL: ": if the line is a total, set footer in this source to the word that it begins with",
    }
