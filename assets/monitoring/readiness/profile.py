"""How the landed tables are filled, read in one pass over each."""

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
    """How one column is filled: rows with a value, and about how many different values (within some 5 %)."""

    name: str
    filled: int
    distinct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProfile:
    """One raw table: its rows, its columns, its oldest and newest day (UTC) where rows have one.

    ``groups`` counts the rows of the values that a capability asks for, by column and value.
    """

    table: str
    rows: int
    columns: Mapping[str, ColumnProfile]
    oldest: date | None = None
    newest: date | None = None
    groups: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """From the oldest day to the newest, both included."""
        return (self.newest - self.oldest).days + 1 if self.newest and self.oldest else 0


def profiles(warehouse: Warehouse) -> dict[str, TableProfile]:
    """The profile of every raw table, by its name."""
    with warehouse.connect() as connection:
        return {table: _profile(connection, contract) for table, contract in CONTRACTS.items()}


def _profile(connection: duckdb.DuckDBPyConnection, contract: Contract) -> TableProfile:
    groups = _groups(contract.table)
    moments = [f'"{contract.happened_at}"::timestamp'] if contract.happened_at else []
    asked = [
        "count(*)",
        *(f'count("{column.name}")' for column in contract.columns),
        *(f'approx_count_distinct("{column.name}")' for column in contract.columns),
        *(f"count(*) filter (where \"{column}\" = '{value}')" for column, value in groups),
        *(f"{end}({moment})" for moment in moments for end in ("min", "max")),
    ]
    answer = connection.execute(f"select {', '.join(asked)} from {raw(contract.table).sql}").fetchone()
    answers = iter(answer or ())
    rows = int(next(answers))
    filled = [int(next(answers)) for _ in contract.columns]
    distinct = [int(next(answers)) for _ in contract.columns]
    return TableProfile(
        table=contract.table,
        rows=rows,
        columns={
            column.name: ColumnProfile(name=column.name, filled=count, distinct=different)
            for column, count, different in zip(contract.columns, filled, distinct, strict=True)
        },
        groups={group: int(next(answers)) for group in groups},
        oldest=_day(answers),
        newest=_day(answers),
    )


def _groups(table: str) -> list[tuple[str, str]]:
    """Column and value of every group that a capability needs of ``table``."""
    return sorted(
        {
            (group.column, group.value)
            for capability in CAPABILITIES.values()
            for need in capability.needs
            if need.table == table
            for group in need.groups
        }
    )


def _day(answers: Iterator[object]) -> date | None:
    moment = next(answers, None)
    return moment.date() if isinstance(moment, datetime) else None
