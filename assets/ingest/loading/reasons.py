"""SQL of the reasons why a row is rejected, each with a remedy where the value shows one."""

from collections.abc import Mapping

from assets.ingest.config.contract import EXPECTED, Column
from assets.ingest.parsing.readers import ParsedFiles
from assets.ingest.parsing.sql import literal, quoted

# Separates a reason from its remedy; the counts of rejects by kind leave the remedy out.
REMEDY = ": map "
_IS_TOTAL = r"^(?i)(grand )?(total|sum|summe|gesamt|somme|suma|totale|totaal)\b"


def reasons(parsed: ParsedFiles, types: Mapping[str, str]) -> list[str]:
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
        r"^[-+]?[0-9]{1,3}([.][0-9]{3})+,[0-9]+$": f"{REMEDY}replace(replace({sql}, '.', ''), ',', '.')",
        r"^[-+]?[0-9]{1,3}(,[0-9]{3})+[.][0-9]+$": f"{REMEDY}replace({sql}, ',', '')",
        r"^[-+]?[0-9]+(,[0-9]+)+$": f"{REMEDY}replace({sql}, ',', '.') if the comma is the decimal sign, "
        f"replace({sql}, ',', '') if it groups thousands",
    }


def _remedies_of_times(sql: str) -> dict[str, str]:
    return {
        r"^[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}": f"{REMEDY}strptime({sql}, '%d.%m.%Y') or the like: "
        "only you know whether the day or the month comes first",
        _IS_TOTAL: ": if the line is a total, set footer in this source to the word that it begins with",
    }
