"""Data readiness report: the capabilities that the landed data supports, and the reasons for the others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Literal

import pandas as pd

from assets.features.requirements import DataRequirement
from assets.ingest.config.contracts import CONTRACTS
from assets.monitoring.readiness.profile import ColumnProfile, TableProfile, is_id
from assets.monitoring.readiness.requirements import DataUse

State = Literal["on", "off", "not_built", "usable", "missing", "constant", "sparse", "stale", "almost_unique"]
# Below this share of filled rows a column is information about the export more than about the customers.
SPARSE_SHARE = 0.05
# Above this share of different values nothing repeats, so nothing can be learned from the value.
UNIQUE_SHARE = 0.9
# Fewer values are often all different by chance.
FEWEST_TO_REPEAT = 50
# Two outcome windows of the shortest horizon, 30 days: older rows have no information about the next one.
STALE_DAYS = 60
FREE_TEXT = frozenset({"product_title", "title", "description", "text", "attributes"})
# An empty value means that the event has not happened, or that there is no label yet.
EMPTY_MEANS_NO = frozenset({"opened_at", "clicked_at", "unsubscribed_at", "won_at", "won_amount", "label"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UsabilityRow:
    """One finding. ``name`` is the capability or raw table it is about, ``step`` where it was found."""

    name: str
    step: Literal["capability", "land"]
    state: State
    column_name: str | None = None
    table_name: str
    details: str


def usability_rows(
    found: Mapping[str, TableProfile], uses: Iterable[DataUse], *, today: date
) -> pd.DataFrame:
    """One row per use of the data and per landed column.

    Args:
        found: Profile of every raw table, by its name.
        uses: Capabilities and other uses, with their requirements.
        today: The as-of date; ages of the newest rows are counted up to it.

    Returns:
        The fields of ``UsabilityRow``. A table without rows has one row instead of one per column.
    """
    capabilities = [_capability(each, found, today=today) for each in uses]
    columns = [row for table in found.values() for row in _table(table, today=today)]
    return pd.DataFrame([asdict(row) for row in [*capabilities, *columns]]).astype("string")


def _capability(use: DataUse, found: Mapping[str, TableProfile], *, today: date) -> UsabilityRow:
    missing = [text for each in use.requires for text in _missing(each, found[each.table], today=today)]
    better = [name for name in use.improved_by if not _is_filled(name, found)]
    met = ["requirements met", *([use.becomes] if use.becomes else [])]
    met += [f"would also use {', '.join(better)}"] if better else []
    not_built = [] if use.becomes else ["not built, so no table is published for it"]
    return UsabilityRow(
        name=use.name,
        step="capability",
        state="not_built" if not_built else "off" if missing else "on",
        table_name=", ".join(each.table for each in use.requires),
        details="; ".join([*not_built, *(missing or met)]),
    )


def _is_filled(name: str, found: Mapping[str, TableProfile]) -> bool:
    table, _, column = name.partition(".")
    return (found[table].columns[column].filled if column else found[table].rows) > 0


def _missing(need: DataRequirement, table: TableProfile, *, today: date) -> Iterator[str]:
    """Unmet requirements of ``need``, one sentence each; a single one when ``table`` has no rows."""
    if table.rows == 0:
        yield f"{need.table}: no rows landed: add a source with table: {need.table}"
        return
    for column in need.columns:
        if table.columns[column].filled == 0:
            yield f"{need.table}.{column}: never filled: map it in the business's YAML"
    if need.any_of and not any(table.columns[column].filled for column in need.any_of):
        yield f"{need.table}: none of {', '.join(need.any_of)} is ever filled: map one of them"
    yield from _too_few(need, table)
    yield from _too_small_groups(need, table)
    if need.is_recent and _is_stale(table, today=today):
        yield f"{need.table}: {_age(table, today=today)}"


def _too_few(need: DataRequirement, table: TableProfile) -> Iterator[str]:
    """Every count below its minimum, except those of empty columns, which are reported already."""
    columns = table.columns
    customers = columns["customer_id"].distinct if need.customers else 0
    counted = [
        (need.table, table.rows, need.rows, "rows"),
        (need.table, table.days, need.days, "days"),
        (need.table, customers, need.customers if customers else 0, "customers"),
        *(
            (f"{need.table}.{name}", columns[name].filled, least, "rows filled")
            for name, least in need.filled.items()
        ),
        *(
            (f"{need.table}.{name}", columns[name].distinct, least, "different values")
            for name, least in need.different.items()
            if columns[name].filled
        ),
    ]
    yield from (
        f"{what}: {have:,} {noun}, {least:,} needed" for what, have, least, noun in counted if have < least
    )


def _too_small_groups(need: DataRequirement, table: TableProfile) -> Iterator[str]:
    for group in need.groups:
        have = table.groups[group.column, group.value]
        if have < group.least:
            yield (
                f"{need.table}.{group.column}: {have:,} of {table.rows:,} rows are '{group.value}', "
                f"{group.least:,} needed: {group.why}"
            )


def _is_stale(table: TableProfile, *, today: date) -> bool:
    return table.newest is not None and (today - table.newest).days > STALE_DAYS


def _age(table: TableProfile, *, today: date) -> str:
    days = (today - table.newest).days if table.newest else 0
    return (
        f"newest row {table.newest}, {days:,} days before {today}, {STALE_DAYS} allowed: deliver newer files"
    )


def _table(table: TableProfile, *, today: date) -> Iterator[UsabilityRow]:
    if table.rows == 0:
        details = f"no rows landed: add a source with table: {table.table}"
        yield _finding(table, None, state="missing", details=details)
        return
    for column in table.columns.values():
        if column.name == CONTRACTS[table.table].happened_at and _is_stale(table, today=today):
            yield _finding(table, column.name, state="stale", details=_age(table, today=today))
        else:
            state, details = _state(table, column)
            yield _finding(table, column.name, state=state, details=details)


def _finding(table: TableProfile, column: str | None, *, state: State, details: str) -> UsabilityRow:
    return UsabilityRow(
        name=f"raw.{table.table}",
        step="land",
        state=state,
        column_name=column,
        table_name=table.table,
        details=details,
    )


def _state(table: TableProfile, column: ColumnProfile) -> tuple[State, str]:
    counted = f"{column.filled:,} of {table.rows:,} rows filled"
    different = f"{min(column.distinct, column.filled):,} different values"
    values = f"{counted}, {different}" if column.is_exact else f"{counted}, about {different}"
    if column.filled == 0:
        return "missing", f"never filled in {table.rows:,} rows"
    if column.distinct == 1 and column.name not in EMPTY_MEANS_NO:
        return "constant", f"{counted}, all with the same value: it does not distinguish customers"
    if column.filled < SPARSE_SHARE * table.rows and column.name not in EMPTY_MEANS_NO:
        return "sparse", f"{counted}, fewer than {SPARSE_SHARE:.0%}"
    if _is_almost_unique(table, column):
        return "almost_unique", f"{values}: nothing repeats, so nothing can be learned from it"
    return "usable", values


def _is_almost_unique(table: TableProfile, column: ColumnProfile) -> bool:
    """Whether hardly any category repeats; ids, keys, free text, times and amounts need not."""
    contract = CONTRACTS[table.table]
    kinds = {each.name: each.type for each in contract.columns}
    is_category = (
        kinds[column.name] == "varchar"
        and not is_id(column.name)
        and column.name not in {*contract.key, *FREE_TEXT}
    )
    return (
        is_category and column.filled >= FEWEST_TO_REPEAT and column.distinct > UNIQUE_SHARE * column.filled
    )
