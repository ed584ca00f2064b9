"""What was delivered, before anything is trained: rows, rejects, totals of the orders, capabilities."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd

from assets.ingest.config.business import BusinessConfig, BusinessInvalid, SourceConfig
from assets.ingest.config.clock import lateness
from assets.ingest.loading.load import LoadRecord, RejectReason, read_load_log, reject_reasons
from assets.keys import raw
from assets.lifecycle.spec import Spec
from assets.monitoring.readiness.profile import profiles
from assets.monitoring.readiness.report import usability_rows
from assets.monitoring.readiness.requirements import data_uses
from assets.ports import Warehouse

ORDERS = "order_lines"
SHOWN_REASONS = 5
# As in stg_shop__order_lines and int_order__parts: services are no sales, a price below 0 lowers its order.
_NET = "quantity * unit_price - coalesce(discount_amount, 0)"
_IS_SALE = "not coalesce(is_service, false)"
_ORDERS_QUERY = f"""
    with lines as (
        select source, order_id, {_IS_SALE} as is_sale, {_NET} as net,
            max(customer_id) over (partition by source, order_id) as customer_id,
            {_IS_SALE} and {_NET} > 0 and not coalesce(is_return, false) as is_purchase
        from {raw(ORDERS).sql}
    )
    select count(distinct customer_id) filter (where is_purchase) as customers,
        count(distinct order_id) filter (where is_purchase) as orders,
        count(distinct order_id) filter (where is_purchase and customer_id is null) as guest_orders,
        coalesce(sum(net) filter (where is_sale), 0) as revenue
    from lines
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """One source: its files and rows, its reject reasons, and the local days of its first and last row.

    ``rows_left_out`` are those that the source's ``where`` leaves out, ``rows_missing`` the rejected ones
    that no newer delivery holds.
    """

    name: str
    table: str
    files: int
    rows_in: int
    rows_loaded: int
    rows_rejected: int
    rows_left_out: int
    rows_missing: int
    reasons: tuple[RejectReason, ...]
    first: date | None
    last: date | None

    @property
    def missing_share(self) -> float:
        """Share of the delivered rows that are missing, in [0, 1]."""
        return self.rows_missing / self.rows_in if self.rows_in else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """Totals of all order lines; ``revenue`` is net of returns and discounts, without services."""

    customers: int
    orders: int
    guest_orders: int
    revenue: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Everything that was delivered.

    ``capabilities`` are their rows of the usability report, ``needed`` their minimum numbers of customers.
    """

    sources: tuple[SourceFacts, ...]
    orders: OrderFacts
    capabilities: pd.DataFrame
    needed: Mapping[str, int]


def delivery_of(
    warehouse: Warehouse, business: BusinessConfig, specs: Iterable[Spec], *, as_of: date
) -> Delivery:
    """Read what was delivered from the raw tables, which need no dbt.

    Args:
        warehouse: Holds the raw tables, the load log and the rejects.
        business: Whose sources they are.
        specs: The registered capabilities.
        as_of: The as-of date; ages are counted up to it.
    """
    specs = tuple(specs)
    uses = data_uses(specs)
    report = usability_rows(profiles(warehouse, uses), uses, today=as_of)
    names = [spec.name for spec in specs]
    with warehouse.connect() as connection:
        records, reasons = read_load_log(connection), reject_reasons(connection)
        sources = tuple(
            _source_facts(connection, business, source, records=records, reasons=reasons)
            for source in business.sources
        )
        totals = connection.execute(_ORDERS_QUERY).fetchone() or (0, 0, 0, 0.0)
    customers, orders, guests, revenue = totals
    return Delivery(
        sources=sources,
        orders=OrderFacts(customers=customers, orders=orders, guest_orders=guests, revenue=float(revenue)),
        capabilities=report.loc[(report["step"] == "capability") & report["name"].isin(names)],
        needed={spec.name: max(need.customers for need in spec.requires) for spec in specs},
    )


def _source_facts(
    connection: duckdb.DuckDBPyConnection,
    business: BusinessConfig,
    source: SourceConfig,
    *,
    records: Sequence[LoadRecord],
    reasons: Sequence[RejectReason],
) -> SourceFacts:
    own = [record for record in records if record.source == source.name]
    mine = tuple(each for each in reasons if each.source == source.name)
    replaced = sum(each.rows for each in mine if each.is_replaced)
    rejected = sum(record.rows_rejected for record in own)
    first, last = _first_and_last(connection, business, source)
    return SourceFacts(
        name=source.name,
        table=source.table,
        files=len(own),
        rows_in=sum(record.rows_in for record in own),
        rows_loaded=sum(record.rows_loaded for record in own),
        rows_rejected=rejected,
        rows_left_out=sum(record.rows_left_out for record in own),
        rows_missing=rejected - replaced,
        reasons=mine,
        first=first,
        last=last,
    )


def _first_and_last(
    connection: duckdb.DuckDBPyConnection, business: BusinessConfig, source: SourceConfig
) -> tuple[date | None, date | None]:
    column = source.contract.happened_at
    if column is None:
        return None, None
    ends = f"min({column}::timestamp), max({column}::timestamp)"
    query = f"select {ends} from {raw(source.table).sql} where source = $source"
    first, last = connection.execute(query, {"source": source.name}).fetchone() or (None, None)
    is_day = next(each.type for each in source.contract.columns if each.name == column) == "date"
    return _local_day(first, business, is_day=is_day), _local_day(last, business, is_day=is_day)


def _local_day(moment: datetime | None, business: BusinessConfig, *, is_day: bool) -> date | None:
    if moment is None or is_day:
        return moment.date() if moment else None
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(business.time_zone)).date()


def sources_with_too_many_rejects(found: Iterable[SourceFacts], *, largest_share: float) -> list[SourceFacts]:
    """The sources of order lines, without which nothing works, with more missing rows than allowed.

    Args:
        found: Every source.
        largest_share: Largest share of missing rows that is allowed, in [0, 1].
    """
    return [each for each in found if each.table == ORDERS and each.missing_share > largest_share]


def refuse_useless(business: BusinessConfig, specs: Iterable[Spec], *, file: Path) -> None:
    """Refuse a business none of whose sources feeds what any capability needs.

    Args:
        business: Its sources.
        specs: The registered capabilities.
        file: Its YAML, for the error.

    Raises:
        BusinessInvalid: names the tables that are missing.
    """
    delivered = {source.table for source in business.sources}
    needed = [{need.table for need in spec.requires} for spec in specs]
    if not any(tables <= delivered for tables in needed):
        missing = sorted(set.union(*needed) - delivered)
        has = f"only {', '.join(sorted(delivered))}" if delivered else "nothing"
        raise BusinessInvalid(
            f"{file}: every capability needs {', '.join(missing)}, and its sources deliver {has}: add a "
            f"source with table: {missing[0]}"
        )


def delivery_lines(found: Delivery, business: BusinessConfig, *, as_of: date) -> Iterator[str]:
    """The lines that `make check-data` and `make run` print about a delivery.

    Args:
        found: What was delivered.
        business: Whose delivery it is.
        as_of: The as-of date; order lines that end long before it are named.
    """
    for source in found.sources:
        yield from _source_lines(source)
    yield from _order_lines(found, business)
    newest = max((each.last for each in found.sources if each.table == ORDERS and each.last), default=as_of)
    if (late := lateness(newest, as_of=as_of)) is not None:
        yield f"   as-of date {as_of}: {late}"
    for row in found.capabilities.to_dict("records"):
        # With fewer customers than a model needs, the capability's baseline serves.
        counted = f"{found.orders.customers:,} customers, {found.needed[row['name']]:,} needed for a model"
        details = f"{counted}; {row['details']}" if row["state"] == "on" else row["details"]
        yield f"   {row['state']:<3} {row['name']}: {details}"


def _source_lines(source: SourceFacts) -> Iterator[str]:
    period = f", {source.first} to {source.last}" if source.first else ""
    files = f"{source.files:,} file{'' if source.files == 1 else 's'}"
    left_out = f", {source.rows_left_out:,} left out by where" if source.rows_left_out else ""
    share = f" ({source.rows_rejected / source.rows_in:.1%})" if source.rows_rejected else ""
    yield (
        f"   {source.name} -> raw.{source.table}: {source.rows_in:,} rows in {files}, "
        f"{source.rows_loaded:,} loaded, {source.rows_rejected:,} rejected{share}{left_out}{period}"
    )
    for reason in source.reasons[:SHOWN_REASONS]:
        yield f"      {reason.rows:,} rejected: {reason.reason}"
        if reason.remedy:
            yield f"         remedy: map {reason.remedy}"
    others = source.reasons[SHOWN_REASONS:]
    if others:
        rows = sum(each.rows for each in others)
        yield f"      {rows:,} rejected for {len(others)} other reasons, see raw.rejects"


def _order_lines(found: Delivery, business: BusinessConfig) -> Iterator[str]:
    orders = found.orders
    share = f"{orders.guest_orders / orders.orders:.1%}" if orders.orders else "0 %"
    rates = ", ".join(sorted(business.exchange_rates))
    converted = f" (converted where the line is in {rates})" if rates else ""
    yield (
        f"   {orders.customers:,} customers, {orders.orders:,} orders, "
        f"{orders.guest_orders:,} of them by guests ({share})"
    )
    yield (
        f"   revenue {orders.revenue:,.2f} {business.currency}{converted}, net of returns and discounts, "
        "without postage and fees"
    )
