"""Requirements on the landed data, which capabilities declare and the usability report evaluates."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """At least ``least`` rows whose ``column`` is ``value``; ``why`` is the consequence of fewer."""

    column: str
    value: str
    least: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequirement:
    """Requirements on one raw table.

    Attributes:
        table: Raw table.
        columns: Columns that must each have values.
        any_of: Columns of which one must have values.
        rows: Minimum rows.
        customers: Minimum different customers.
        days: Minimum days from the oldest row to the newest.
        filled: Minimum rows with a value, by column.
        different: Minimum different values, by column.
        groups: Minimum rows with certain values.
        is_recent: Whether old rows alone are of no use.
    """

    table: str
    columns: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    rows: int = 1
    customers: int = 0
    days: int = 0
    filled: Mapping[str, int] = field(default_factory=dict)
    different: Mapping[str, int] = field(default_factory=dict)
    groups: tuple[RowGroup, ...] = ()
    is_recent: bool = True


def required_orders(*, customers: int = 0, days: int = 0, rows: int = 1) -> DataRequirement:
    """Order lines of known customers, with amounts.

    Args:
        customers: Minimum different customers.
        days: Minimum days from the oldest order to the newest.
        rows: Minimum order lines.
    """
    columns = ("customer_id", "ordered_at", "product_id", "quantity", "unit_price")
    return DataRequirement(table="order_lines", columns=columns, customers=customers, days=days, rows=rows)
