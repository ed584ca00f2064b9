"""Profiles of the landed tables, from one query per table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import duckdb

from assets.ingest.config.contract import Contract
from assets.ingest.config.contracts import CONTRACTS
from assets.keys import raw
from assets.monitoring.readiness.requirements import DataUse
from assets.ports import Warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """Rows of one column with a value, and its number of different values.

    The number is exact for ids, which are compared with minimums and read for duplicates, and else within
    about 5 %.
    """

    name: str
    filled: int
    distinct: int

    @property
    def is_exact(self) -> bool:
        """Whether ``distinct`` is exact."""
        return is_id(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProfile:
    """Profile of one raw table.

    Attributes:
        table: Raw table.
        rows: Number of rows.
        columns: Profile by name.
        oldest, newest: First and last day (UTC), for a table with event times.
        groups: Rows by column and value, for the values that a use requires.
    """

    table: str
    rows: int
    columns: Mapping[str, ColumnProfile]
    oldest: date | None = None
    newest: date | None = None
    groups: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """Days from the oldest to the newest, both included."""
        return (self.newest - self.oldest).days + 1 if self.newest and self.oldest else 0


def is_id(column: str) -> bool:
    """Whether a raw column holds ids."""
    return column.endswith("_id")


def profiles(warehouse: Warehouse, uses: Iterable[DataUse]) -> dict[str, TableProfile]:
    """Profile of every raw table, by name, with the groups that ``uses`` require."""
    required = [requirement for use in uses for requirement in use.requires]
    groups = {
        table: sorted(
            {(of.column, of.value) for each in required if each.table == table for of in each.groups}
        )
        for table in CONTRACTS
    }
    with warehouse.connect() as connection:
        return {
            table: _profile(connection, contract, groups=groups[table])
            for table, contract in CONTRACTS.items()
        }


def _profile(
    connection: duckdb.DuckDBPyConnection, contract: Contract, *, groups: list[tuple[str, str]]
) -> TableProfile:
    moments = [f'"{contract.happened_at}"::timestamp'] if contract.happened_at else []
    expressions = [
        "count(*)",
        *(f'count("{column.name}")' for column in contract.columns),
        *(_distinct(column.name) for column in contract.columns),
        *(f"count(*) filter (where \"{column}\" = '{value}')" for column, value in groups),
        *(f"{end}({moment})" for moment in moments for end in ("min", "max")),
    ]
    row = connection.execute(f"select {', '.join(expressions)} from {raw(contract.table).sql}").fetchone()
    values = iter(row or ())
    rows = int(next(values))
    filled = [int(next(values)) for _ in contract.columns]
    distinct = [int(next(values)) for _ in contract.columns]
    return TableProfile(
        table=contract.table,
        rows=rows,
        columns={
            column.name: ColumnProfile(name=column.name, filled=count, distinct=different)
            for column, count, different in zip(contract.columns, filled, distinct, strict=True)
        },
        groups={group: int(next(values)) for group in groups},
        oldest=_day(values),
        newest=_day(values),
    )


def _distinct(column: str) -> str:
    return f'count(distinct "{column}")' if is_id(column) else f'approx_count_distinct("{column}")'


def _day(values: Iterator[object]) -> date | None:
    moment = next(values, None)
    return moment.date() if isinstance(moment, datetime) else None
