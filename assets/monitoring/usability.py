"""The usability report: what the landed data can carry, and what exactly is missing or unusable."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import pandas as pd

from assets.ingest.contracts import CONTRACTS
from assets.keys import raw
from assets.ports import Warehouse

State = Literal["on", "off", "usable", "missing", "constant", "sparse"]
# Below this share of filled rows a column says more about the export than about the customers.
SPARSE_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """How one landed column is filled: rows of its table, rows with a value, distinct values."""

    table: str
    column: str
    rows: int
    filled: int
    distinct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsabilityRow:
    """One finding. ``name`` is the capability or raw table it is about, ``step`` where it was found."""

    name: str
    step: str
    state: State
    column_name: str | None
    table_name: str
    details: str


# What each capability cannot do without: table and columns that must hold values.
NEEDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "purchase_propensity": {
        "order_lines": ("customer_id", "ordered_at", "product_id", "quantity", "unit_price")
    },
}


def profiles(warehouse: Warehouse) -> list[ColumnProfile]:
    """The profile of every column of every raw contract."""
    found = []
    for table, contract in CONTRACTS.items():
        names = [column.name for column in contract.columns]
        counts = ", ".join(f'count("{name}"), approx_count_distinct("{name}")' for name in names)
        # Read by position: pandas would merge columns of the same name.
        values = warehouse.read(f"select count(*), {counts} from {raw(table).sql}").iloc[0].tolist()
        found += [
            ColumnProfile(
                table=table,
                column=name,
                rows=int(values[0]),
                filled=int(values[1 + 2 * place]),
                distinct=int(values[2 + 2 * place]),
            )
            for place, name in enumerate(names)
        ]
    return found


def usability_rows(found: Sequence[ColumnProfile]) -> pd.DataFrame:
    """One row per capability and per landed column, worst news in plain words.

    Args:
        found: Profiles of all contract columns.
    """
    capabilities = [_capability(name, needs, found) for name, needs in NEEDS.items()]
    columns = [_column(profile) for profile in found]
    return pd.DataFrame([asdict(row) for row in [*capabilities, *columns]]).astype("string")


def _capability(
    name: str, needs: Mapping[str, tuple[str, ...]], found: Sequence[ColumnProfile]
) -> UsabilityRow:
    filled = {(profile.table, profile.column): profile.filled for profile in found}
    lacking = [
        f"{table}.{column}"
        for table, columns in needs.items()
        for column in columns
        if not filled.get((table, column))
    ]
    return UsabilityRow(
        name=name,
        step="land",
        state="off" if lacking else "on",
        column_name=None,
        table_name=", ".join(needs),
        details=f"no values in {', '.join(lacking)}: map them in the business's YAML"
        if lacking
        else "has what it needs",
    )


def _column(profile: ColumnProfile) -> UsabilityRow:
    state, details = _state(profile)
    return UsabilityRow(
        name=f"raw.{profile.table}",
        step="land",
        state=state,
        column_name=profile.column,
        table_name=profile.table,
        details=details,
    )


def _state(profile: ColumnProfile) -> tuple[State, str]:
    counted = f"{profile.filled:,} of {profile.rows:,} rows filled"
    if profile.filled == 0:
        return "missing", "no rows landed" if profile.rows == 0 else "never filled"
    if profile.distinct == 1:
        return "constant", f"{counted}, all with the same value: it cannot tell customers apart"
    if profile.filled < SPARSE_SHARE * profile.rows:
        return "sparse", f"{counted}, fewer than {SPARSE_SHARE:.0%}"
    return "usable", f"{counted}, about {profile.distinct:,} different values"
