"""Data contracts of raw tables: columns, and rules that a row must keep."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

SqlType = Literal["varchar", "double", "integer", "boolean", "date", "timestamp"]

EXPECTED: Mapping[SqlType, str] = MappingProxyType(
    {
        "varchar": "text",
        "double": "a number",
        "integer": "a whole number",
        "boolean": "true or false",
        "date": "a date",
        "timestamp": "a date and time",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a raw table.

    ``is_required``: the business must map it. ``default``: SQL over the columns before it, used where
    the mapping is missing or gives null; ``$currency`` stands for the business's currency.
    """

    name: str
    type: SqlType
    is_required: bool = False
    is_nullable: bool = True
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Rejects a row when ``broken_when`` is true, for ``reason``: both SQL over the raw table's columns.

    ``order`` are the later and the earlier of two moments that the rule compares, ``None`` for other rules.
    """

    broken_when: str
    reason: str
    order: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """Data contract of one raw table.

    ``key`` identifies the unit of delivery: when two files hold the same key, the later file wins.
    ``noun`` is the ordinary word for that unit. ``is_unique``: one row per key inside a file too, and the
    last one wins; an order has many lines. ``line`` is SQL that identifies one of them: then a later file
    wins only if it holds one of the lines again, and otherwise delivers further lines of the unit.
    ``happened_at`` is the column that dates a row, ``None`` for tables of things (products), not events.
    ``measures`` are pairs of a key of the YAML's bounds and
    the SQL that it bounds: one absurd value would own every sum.
    """

    table: str
    grain: str
    noun: str
    key: tuple[str, ...]
    is_unique: bool
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    happened_at: str | None = None
    measures: tuple[tuple[str, str], ...] = ()
    line: tuple[str, ...] = ()

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """The rules of the columns' types and ids, then those of the table itself."""
        of_types = (_RULES[column.type](column.name) for column in self.columns if column.type in _RULES)
        of_ids = (not_rounded(column.name) for column in self.columns if column.name.endswith("_id"))
        return (*of_types, *of_ids, *self.rules)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that a source must map."""
        return tuple(column.name for column in self.columns if column.is_required)

    @property
    def known_at(self) -> str | None:
        """The column that holds when a row became known; ``None`` for tables of things."""
        has_own = any(column.name == "known_at" for column in self.columns)
        return "known_at" if has_own else self.happened_at


# Origin of a raw row. ``source_line`` counts from 1; in CSV the header is line 1.
ORIGIN = (("source", "varchar"), ("source_file", "varchar"), ("source_line", "bigint"))


def required(*names: str, of: SqlType = "varchar") -> tuple[Column, ...]:
    """Columns without nulls, all of one type."""
    return tuple(Column(name=name, type=of, is_required=True, is_nullable=False) for name in names)


def optional(*names: str, of: SqlType = "varchar", default: str | None = None) -> tuple[Column, ...]:
    """Nullable columns.

    Args:
        names: Their names.
        of: Their type in the raw table.
        default: SQL over the columns before them, used where the mapping is missing or null.
    """
    return tuple(Column(name=name, type=of, default=default) for name in names)


def not_negative(column: str) -> Rule:
    """Refuses numbers below zero."""
    return Rule(broken_when=f"{column} < 0", reason=f"'{column} ' || {column} || ' is below 0'")


def not_before(later: str, earlier: str) -> Rule:
    """Refuses two moments in the wrong order."""
    return Rule(
        broken_when=f"{later} < {earlier}",
        reason=f"'{later} ' || {later} || ' is before {earlier} ' || {earlier} || ', in UTC'",
        order=(later, earlier),
    )


def not_rounded(column: str) -> Rule:
    """Refuses ids in scientific notation, and long ones with decimals: rounded, so that several share one."""
    return Rule(
        broken_when=f"regexp_full_match({column}, '-?([0-9]([.][0-9]+)?[eE][+][0-9]+|[0-9]{{16,}}[.]0+)')",
        reason=f"'{column} ''' || {column} || ''' was rounded by a spreadsheet: export ids as text'",
    )


def _is_number(column: str) -> Rule:
    """Refuses infinite numbers and NaN."""
    return Rule(
        broken_when=f"not isfinite({column})", reason=f"'{column} ' || {column} || ' is not a finite number'"
    )


def _is_moment(column: str) -> Rule:
    """Refuses infinite dates, and those before 1900: placeholders for "never", and years of two digits."""
    return Rule(
        broken_when=f"not isfinite({column}) or {column} < '1900-01-01'",
        reason=f"'{column} ' || {column} || ' is not a moment since the year 1900'",
    )


_RULES: Mapping[SqlType, Callable[[str], Rule]] = MappingProxyType(
    {"double": _is_number, "date": _is_moment, "timestamp": _is_moment}
)
