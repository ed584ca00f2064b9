"""Check of every published number: none is infinite or not a number, in no text about numbers either."""

from collections.abc import Iterable, Mapping

from assets.ingest.parsing.sql import literal, quoted
from assets.keys import Key
from assets.ports import Warehouse
from checks.verdict import Verdict

FLOATS = ("DOUBLE", "FLOAT")
# Columns of sentences that state numbers, by a part of their names.
SENTENCES = ("reason", "details", "defects", "description")
NOT_A_NUMBER = r"(^|[^a-zA-Z])(nan|-?inf)([^a-zA-Z]|$)"


def published_numbers_are_finite(wrong: Mapping[str, int], *, columns: int) -> Verdict:
    """No published number is infinite or not a number, and no published sentence states one that is.

    Args:
        wrong: Rows with such a value, by table and column; columns without one are left out.
        columns: Columns that were searched.
    """
    named = ", ".join(f"{column} ({rows:,} rows)" for column, rows in sorted(wrong.items()))
    return Verdict(
        passed=not wrong,
        reason=f"infinite or not a number: {named}"
        if wrong
        else f"every number of {columns} columns is finite",
        value=float(sum(wrong.values())),
        threshold=0.0,
        evidence={"n": float(columns)},
    )


def finite_verdict(tables: Iterable[Key], warehouse: Warehouse) -> Verdict:
    """Verdict on the numbers and sentences of those ``tables`` that exist, of every as-of date."""
    wrong, columns = dict[str, int](), 0
    for table in (each for each in tables if warehouse.exists(each)):
        described = warehouse.read(f"describe {table.sql}")
        conditions = {
            str(row["column_name"]): _condition(str(row["column_name"]), str(row["column_type"]))
            for row in described.to_dict("records")
        }
        counted = ", ".join(
            f"count(*) filter (where {condition}) as {quoted(name)}"
            for name, condition in conditions.items()
            if condition
        )
        if not counted:
            continue
        counts = warehouse.read(f"select {counted} from {table.sql}").iloc[0]
        columns += len(counts)
        wrong |= {f"{table.name}.{name}": int(count) for name, count in counts.items() if count}
    return published_numbers_are_finite(wrong, columns=columns)


def _condition(name: str, kind: str) -> str:
    if kind in FLOATS:
        return f"not isfinite({quoted(name)})"
    if kind == "VARCHAR" and any(part in name for part in SENTENCES):
        return f"regexp_matches({quoted(name)}, {literal(NOT_A_NUMBER)})"
    return ""
