"""The raw contracts: which columns each landed table has, and when a row breaks the contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

SqlType = Literal["varchar", "double", "integer", "boolean", "timestamp"]

EXPECTED: Mapping[SqlType, str] = MappingProxyType(
    {
        "varchar": "text",
        "double": "a number",
        "integer": "a whole number",
        "boolean": "true or false",
        "timestamp": "a date and time",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a landed table.

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
    """A row for which ``broken_when`` is true is refused for ``reason``: both SQL over the landed columns."""

    broken_when: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One landed table.

    ``key`` names what is delivered whole: when two files bring the same key, the later file wins.
    ``is_unique``: one row per key inside a file too, and the last one wins; an order has many lines.
    """

    table: str
    grain: str
    key: str
    is_unique: bool
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that a source must map."""
        return tuple(column.name for column in self.columns if column.is_required)


# Where a landed row came from. ``source_line`` counts from 1; in CSV the header is line 1.
ORIGIN = (("source", "varchar"), ("source_file", "varchar"), ("source_line", "bigint"))


def _id(name: str) -> Column:
    return Column(name=name, type="varchar", is_required=True, is_nullable=False)


def _number(name: str) -> Column:
    return Column(name=name, type="double", is_required=True, is_nullable=False)


def _optional(name: str, sql_type: SqlType = "varchar", default: str | None = None) -> Column:
    return Column(name=name, type=sql_type, default=default)


def _finite(column: str, what: str) -> Rule:
    return Rule(broken_when=f"not isfinite({column})", reason=f"'{column} ' || {column} || ' is not {what}'")


ORDER_LINES = Contract(
    table="order_lines",
    grain="one line of one order; the same line twice in one file means it was entered twice",
    key="order_id",
    is_unique=False,
    columns=(
        _id("order_id"),
        Column(name="customer_id", type="varchar", is_required=True),
        Column(name="ordered_at", type="timestamp", is_required=True, is_nullable=False),
        _id("product_id"),
        _optional("product_title"),
        _number("quantity"),
        _number("unit_price"),
        _optional("currency", default="$currency"),
        _optional("country"),
        _optional("channel"),
        _optional("discount_amount", "double", default="0"),
        _optional("is_return", "boolean", default="quantity < 0"),
        _optional("is_service", "boolean", default="false"),
        _optional("known_at", "timestamp", default="ordered_at"),
    ),
    rules=(
        _finite("quantity", "a finite number"),
        _finite("unit_price", "a finite number"),
        _finite("discount_amount", "a finite number"),
        _finite("ordered_at", "a moment in time"),
        _finite("known_at", "a moment in time"),
        Rule(
            broken_when="known_at < ordered_at",
            reason="'known_at ' || known_at || ' is before ordered_at ' || ordered_at || ', in UTC'",
        ),
    ),
)

CUSTOMERS = Contract(
    table="customers",
    grain="one row per customer",
    key="customer_id",
    is_unique=True,
    columns=(
        _id("customer_id"),
        _optional("signed_up_at", "timestamp"),
        _optional("country"),
        _optional("postcode"),
        _optional("birth_year", "integer"),
        _optional("acquisition_channel"),
    ),
    rules=(_finite("signed_up_at", "a moment in time"),),
)

PRODUCTS = Contract(
    table="products",
    grain="one row per product",
    key="product_id",
    is_unique=True,
    columns=(
        _id("product_id"),
        _optional("title"),
        _optional("description"),
        _optional("category"),
        _optional("unit_cost", "double"),
        _optional("launched_at", "timestamp"),
        _optional("in_stock", "boolean"),
    ),
    rules=(_finite("unit_cost", "a finite number"), _finite("launched_at", "a moment in time")),
)

CONTRACTS: Mapping[str, Contract] = MappingProxyType(
    {contract.table: contract for contract in (ORDER_LINES, CUSTOMERS, PRODUCTS)}
)
