"""Checks of what landing took for a guest, and of what carries an outsized share of a shop."""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from assets.ingest.loading.order_numbers import IN_PARTS, SEVERAL
from assets.keys import GUEST_ROWS, LOAD_LOG, ORDER_READINGS, raw
from assets.metrics.outsized import LARGEST_CUSTOMER_SHARE, outsized_from
from assets.ports import Warehouse
from checks.data.history import LINE_AMOUNT
from checks.verdict import Invariant, Verdict, invariant

ORDER_LINES = raw("order_lines")


class _Kind(NamedTuple):
    """What may carry an outsized share: its share from which it does, its key, and what follows it then."""

    largest_share: float
    key: str
    touched: str


class Share(NamedTuple):
    """Share of the largest of ``n`` customers, products or orders in the lines or the spend of a shop.

    ``name`` is its id; for a customer that of an order of theirs, because a customer's id stays out of the
    ledger.
    """

    kind: str
    measure: str
    n: int
    name: str
    share: float
    whole: float


KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "customer": _Kind(
            LARGEST_CUSTOMER_SHARE,
            "customer_id",
            "the totals of lifetime_value, expected_value and audiences.value follow it; the grade does not",
        ),
        "product": _Kind(
            0.25, "product_id", "product counts and segments say little about the other products"
        ),
        "order": _Kind(
            0.02, "order_id", "the amounts of its customer, and every total that sums them, follow it"
        ),
    }
)


def plausibility_invariants() -> list[Invariant]:
    """Checks of what landing let through: guests, and shares of one customer, product or order."""
    guests = invariant(
        LOAD_LOG,
        guest_ids_are_declared,
        _guests,
        next_step=(
            "If the named ids are of guests, list them under guest_ids in the YAML; if one is of a "
            "customer, list the others, and its rows are theirs again."
        ),
        is_blocking=False,
    )
    orders = invariant(
        ORDER_LINES,
        order_numbers_are_read_as_meant,
        _orders,
        next_step=(
            "Where an order number is one order of any customer, set order_scope: business, or "
            "source or file where each source or file has numbers of its own; where a later file holds "
            "its orders whole, set whole_orders: true in the source. If the reading is right, set "
            "order_scope: customer."
        ),
        is_blocking=False,
    )
    return [guests, orders, _shares()]


def _shares() -> Invariant:
    return invariant(
        ORDER_LINES,
        nothing_has_an_outsized_share,
        _outsized,
        next_step=(
            "Look at the named order or product in the export: correct a test order or a wrong unit there, "
            "read a business customer's rows as a guest's by guest_ids, or use the named numbers with that "
            "share in mind."
        ),
        is_blocking=False,
    )


def guest_ids_are_declared(guests: pd.DataFrame, *, rows: int) -> Verdict:
    """Ids that stand for nobody are listed in the business's YAML, or none is delivered.

    Args:
        guests: (n,) rows of table_name, guest_id, is_declared and row_count.
        rows: Rows loaded in all tables.
    """
    counts = guests.groupby(["table_name", "guest_id"])["row_count"].sum().sort_values(ascending=False)
    named = ", ".join(
        f"{row['guest_id']!r} in {row['row_count']:,} rows of {row['table_name']}"
        for row in counts.reset_index().to_dict("records")
    )
    return Verdict(
        passed=bool(guests["is_declared"].all()),
        reason=f"ids of guests: {named}"
        if named
        else f"no word in place of a customer's id in {rows:,} rows",
        value=float(counts.sum()),
        threshold=0.0,
        evidence={"n": float(rows)},
    )


def order_numbers_are_read_as_meant(readings: pd.DataFrame, *, rows: int) -> Verdict:
    """Order numbers of several customers, and orders in several files, are read as the YAML says.

    Args:
        readings: (n,) rows of reading, orders, example and scope.
        rows: Order lines loaded.
    """
    named = "; ".join(
        f"{row['orders']:,} order numbers were read as {row['reading']}, such as {row['example']!r}"
        for row in readings.to_dict("records")
    )
    doubtful = readings.loc[readings["scope"].isna() & readings["reading"].isin([SEVERAL, IN_PARTS])]
    return Verdict(
        passed=doubtful.empty,
        reason=named or f"each order number of {rows:,} lines is one order of one customer in one file",
        value=float(doubtful["orders"].sum()),
        threshold=0.0,
        evidence={"n": float(rows)},
    )


def nothing_has_an_outsized_share(shares: Sequence[Share]) -> Verdict:
    """No customer, product or order carries an outsized share of the lines or of the money.

    Args:
        shares: The largest of each kind, by lines and by spend.
    """
    bounds = [outsized_from(each.n, largest_share=KINDS[each.kind].largest_share) for each in shares]
    unusual = [
        f"{'the customer of order' if each.kind == 'customer' else each.kind} {each.name!r} has "
        f"{each.share:.0%} of the {each.measure} ({each.whole:,.0f} in all, of {each.n:,} {each.kind}s; "
        f"{bound:.0%} is the bound): {KINDS[each.kind].touched}"
        for each, bound in zip(shares, bounds, strict=True)
        if each.share > bound
    ]
    return Verdict(
        passed=not unusual,
        reason="; ".join(unusual) or "no customer, product or order has an outsized share of lines or spend",
        value=max((each.share / bound for each, bound in zip(shares, bounds, strict=True)), default=0.0),
        threshold=1.0,
        evidence={"n": max((each.whole for each in shares if each.measure == "lines"), default=0.0)},
    )


def _guests(warehouse: Warehouse, _as_of: date) -> Verdict:
    found = warehouse.read(f"select table_name, guest_id, is_declared, row_count from {GUEST_ROWS.sql}")
    rows = warehouse.read(f"select coalesce(sum(rows_loaded), 0) as n from {LOAD_LOG.sql}")["n"].iloc[0]
    return guest_ids_are_declared(found, rows=int(rows))


def _orders(warehouse: Warehouse, _as_of: date) -> Verdict:
    found = warehouse.read(f"select reading, orders, example, scope from {ORDER_READINGS.sql}")
    rows = warehouse.read(f"select count(*) as n from {ORDER_LINES.sql}")["n"].iloc[0]
    return order_numbers_are_read_as_meant(found, rows=int(rows))


def _outsized(warehouse: Warehouse, as_of: date) -> Verdict:
    """Judge the order lines that were known on ``as_of``."""
    return nothing_has_an_outsized_share(
        [Share(*row) for kind in KINDS for row in _largest(warehouse, kind, as_of=as_of).to_numpy().tolist()]
    )


def _largest(warehouse: Warehouse, kind: str, *, as_of: date) -> pd.DataFrame:
    key = KINDS[kind].key
    return warehouse.read(
        f"""
        with lines as (
            select {key} as id, order_id, ordered_at,
                greatest({LINE_AMOUNT}, 0) as amount
            from {ORDER_LINES.sql}
            where ordered_at < $as_of and known_at < $as_of and not is_service and {key} is not null
        ),
        each as (
            select {"max_by(order_id, ordered_at)" if kind == "customer" else "id"} as name,
                count(*) as lines, sum(amount) as spend
            from lines group by id
        )
        select '{kind}' as kind, measure, count(*) as n, max_by(name, part) as name,
            coalesce(max(part) / nullif(sum(part), 0), 0) as share, sum(part)::double as whole
        from (unpivot (select name, lines::decimal(38, 6) as lines, spend from each)
            on lines, spend into name measure value part)
        group by all order by all
        """,
        {"as_of": as_of},
    )
