{# One row per customer and as-of date. Amounts in shop currency, products only, net of returns. #}

with

orders as (

    select * from {{ ref('pit_customer__orders') }}
    where {{ in_build_window('as_of_date') }}

),

rhythm as (

    select * from {{ ref('pit_customer__purchase_intervals') }}
    where {{ in_build_window('as_of_date') }}

),

products as (

    select * from {{ ref('pit_customer__products') }}
    where {{ in_build_window('as_of_date') }}

)

select
    orders.customer_id,
    orders.as_of_date,
    orders.as_of_at,
    orders.newest_known_at,
    orders.days_since_order,
    orders.tenure_days,
    orders.orders_30d,
    orders.orders_90d,
    orders.orders_180d,
    orders.orders_365d,
    orders.orders_lifetime,
    orders.net_amount_30d,
    orders.net_amount_90d,
    orders.net_amount_180d,
    orders.net_amount_365d,
    orders.net_amount_lifetime,
    orders.net_amount_365d / nullif(orders.orders_365d, 0) as average_order_amount_365d,
    rhythm.gap_mean_days,
    rhythm.gap_sd_days,
    rhythm.gap_last_days,
    orders.days_since_order / rhythm.gap_mean_days as days_since_order_per_gap,
    orders.returns_365d,
    -- What was bought more than a year ago can come back within it: more than all is all.
    case
        when orders.gross_amount_365d > 0
            then least(1, orders.returned_amount_365d / orders.gross_amount_365d)
    end as return_rate_365d,
    coalesce(products.products_90d, 0) as products_90d,
    coalesce(products.products_365d, 0) as products_365d,
    orders.units_365d,
    rhythm.active_weeks_365d,
    orders.orders_same_season_last_year,
    orders.service_amount_365d,
    orders.weekend_orders_365d / nullif(orders.orders_365d, 0) as weekend_share_365d,
    orders.country

from orders
left join rhythm on orders.customer_id = rhythm.customer_id and orders.as_of_date = rhythm.as_of_date
left join products on orders.customer_id = products.customer_id and orders.as_of_date = products.as_of_date
