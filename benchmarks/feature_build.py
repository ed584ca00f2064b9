"""Features of one as-of date by the dbt models, against one scan and group of each fact table."""

import sys
import tempfile
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from benchmarks.ratio import Figure, interleaved, table
from benchmarks.shop import FEATURES, POINT_IN_TIME, built_shop, make

MADE = f"features.{FEATURES}"
AS_OF_DATE = date(2024, 12, 30)
BOUND = """
create or replace temp table bound as
with known as (
    select *, getvariable('as_of_date') - occurred_on as days_ago
    from intermediate.int_order__net_of_voids
    where customer_id is not null and not is_reversal and known_at < getvariable('as_of_at')
        and (voided_known_at is null or voided_known_at >= getvariable('as_of_at'))
),
orders as (
    select
        customer_id, max(known_at) as newest_known_at,
        min(days_ago) filter (where is_purchase) as days_since_order,
        max(days_ago) filter (where is_purchase) as tenure_days,
        count(*) filter (where is_purchase and days_ago <= 30) as orders_30d,
        count(*) filter (where is_purchase and days_ago <= 90) as orders_90d,
        count(*) filter (where is_purchase and days_ago <= 180) as orders_180d,
        count(*) filter (where is_purchase and days_ago <= 365) as orders_365d,
        count(*) filter (where is_purchase) as orders_lifetime,
        coalesce(sum(net_amount) filter (where days_ago <= 30), 0) as net_amount_30d,
        coalesce(sum(net_amount) filter (where days_ago <= 90), 0) as net_amount_90d,
        coalesce(sum(net_amount) filter (where days_ago <= 180), 0) as net_amount_180d,
        coalesce(sum(net_amount) filter (where days_ago <= 365), 0) as net_amount_365d,
        sum(net_amount) as net_amount_lifetime,
        list_sort(list(distinct occurred_on) filter (where is_purchase)) as days,
        count(*) filter (where is_return and days_ago <= 365) as returns_365d,
        coalesce(sum(gross_amount) filter (where days_ago <= 365), 0) as gross,
        coalesce(sum(returned_amount) filter (where days_ago <= 365), 0) as returned,
        coalesce(sum(units) filter (where days_ago <= 365), 0) as units_365d,
        count(distinct (days_ago - 1) // 7)
            filter (where is_purchase and days_ago <= 365) as active_weeks_365d,
        count(*) filter (where is_purchase and days_ago between 336 and 365) as same_season,
        coalesce(sum(service_amount) filter (where days_ago <= 365), 0) as service_amount_365d,
        count(*) filter (where is_purchase and isodow(occurred_on) > 5 and days_ago <= 365) as weekend,
        max_by(country, occurred_at) filter (where country is not null) as country
    from known
    group by 1
    having orders_lifetime > 0
),
purchase_intervals as (
    select *, list_transform(range(2, len(days) + 1), lambda i: days[i] - days[i - 1]) as gaps from orders
),
products as (
    select
        customer_id, count(*) as products_365d,
        count(*) filter (where occurred_on >= getvariable('as_of_date') - 90) as products_90d
    from intermediate.int_customer_product__purchases
    where known_at < getvariable('as_of_at') and occurred_on >= getvariable('as_of_date') - 365
        and (superseded_known_at is null or superseded_known_at >= getvariable('as_of_at'))
    group by 1
)
select
    customer_id, getvariable('as_of_date') as as_of_date, getvariable('as_of_at') as as_of_at,
    newest_known_at, days_since_order, tenure_days, orders_30d, orders_90d, orders_180d, orders_365d,
    orders_lifetime, net_amount_30d, net_amount_90d, net_amount_180d, net_amount_365d, net_amount_lifetime,
    net_amount_365d / nullif(orders_365d, 0) as average_order_amount_365d,
    list_avg(gaps) as gap_mean_days, list_stddev_samp(gaps) as gap_sd_days, gaps[-1] as gap_last_days,
    days_since_order / list_avg(gaps) as days_since_order_per_gap, returns_365d,
    case when gross > 0 then least(1, returned / gross) end as return_rate_365d,
    coalesce(products_90d, 0) as products_90d, coalesce(products_365d, 0) as products_365d, units_365d,
    active_weeks_365d, same_season as orders_same_season_last_year, service_amount_365d,
    weekend / nullif(orders_365d, 0) as weekend_share_365d,
    purchase_intervals.country
from purchase_intervals
left join products using (customer_id)
"""


def measure() -> Figure:
    """Measure on the default sample shop in a temporary folder.

    Raises:
        AssertionError: when the two ways do not give the same features.
    """
    with tempfile.TemporaryDirectory() as folder:
        shop = built_shop(Path(folder))
        statements = shop.compiled(
            f"+{FEATURES},{POINT_IN_TIME}", FEATURES, first=AS_OF_DATE, last=AS_OF_DATE, today=AS_OF_DATE
        )
        with shop.connect() as connection:
            make(connection, statements)
            _set_as_of(connection)
            ours, limits = interleaved(
                lambda: make(connection, statements), lambda: connection.execute(BOUND)
            )
            rows = _same_features(connection)
    return Figure(
        name="features of one as-of date against scan and group",
        ours=tuple(ours),
        limits=tuple(limits),
        meaning=(
            f"{len(statements)} dbt models for {rows:,} customers; the limit reads each fact table once and "
            "groups once, for one fixed date."
        ),
        alarming="Alarming above 6: a model joins the spine in a way that no longer runs as a hash join.",
        notes="Both give the same features.",
    )


def _set_as_of(connection: duckdb.DuckDBPyConnection) -> None:
    for name in ("as_of_date", "as_of_at"):
        connection.execute(f"set variable {name} = (select any_value({name}) from {MADE})")  # noqa: S608


def _same_features(connection: duckdb.DuckDBPyConnection) -> int:
    """Number of customers, after both ways have given the same features."""
    ours, limit = (connection.table(name).order("customer_id").df() for name in (MADE, "bound"))
    pd.testing.assert_frame_equal(ours, limit, check_dtype=False, rtol=1e-9)
    return len(ours)


if __name__ == "__main__":
    sys.stdout.write(table([measure()]))
