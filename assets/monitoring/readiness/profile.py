"""Profiles of the landed tables, from one query per table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import duckdb

from assets.ingest.config.contract import Contract
from assets.ingest.config.contracts import CONTRACTS
from assets.keys import raw
from assets.monitoring.readiness.requirements import CAPABILITIES
from assets.ports import Warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """Rows of one column with a value, and its approximate number of different values (within about 5 %)."""

    name: str
    filled: int
    distinct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProfile:
    """Profile of one raw table.

    Attributes:
        table: Raw table.
        rows: Number of rows.
        columns: Profile by name.
        oldest, newest: First and last day (UTC), for a table with event times.
        groups: Rows by column and value, for the values that a capability requires.
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


def profiles(warehouse: Warehouse) -> dict[str, TableProfile]:
    """Profile of every raw table, by name."""
    with warehouse.connect() as connection:
        return {table: _profile(connection, contract) for table, contract in CONTRACTS.items()}


def _profile(connection: duckdb.DuckDBPyConnection, contract: Contract) -> TableProfile:
    groups = _groups(contract.table)
    moments = [f'"{contract.happened_at}"::timestamp'] if contract.happened_at else []
    expressions = [
        "count(*)",
        *(f'count("{column.name}")' for column in contract.columns),
        *(f'approx_count_distinct("{column.name}")' for column in contract.columns),
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


def _groups(table: str) -> list[tuple[str, str]]:
    """Column and value of every group that a capability requires of ``table``."""
    return sorted(
        {
            (group.column, group.value)
            for capability in CAPABILITIES.values()
            for need in capability.needs
            if need.table == table
            for group in need.groups
        }
    )


def _day(values: Iterator[object]) -> date | None:
    moment = next(values, None)
    return moment.date() if isinstance(moment, datetime) else None
