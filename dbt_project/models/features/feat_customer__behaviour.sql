{# One row per customer and as-of date: the clustering features, one or two columns per theme. #}

with

orders as (

    select * from {{ ref('feat_customer__orders') }}
    where {{ in_build_window('as_of_date') }}

),

browsing as (

    select * from {{ ref('feat_customer__browsing') }}
    where {{ in_build_window('as_of_date') }}

),

campaigns as (

    select * from {{ ref('feat_customer__campaigns') }}
    where {{ in_build_window('as_of_date') }}

)

select
    orders.customer_id,
    orders.as_of_date,
    orders.as_of_at,
    greatest(orders.newest_known_at, browsing.newest_known_at, campaigns.newest_known_at) as newest_known_at,
    orders.days_since_order,
    orders.orders_365d,
    orders.tenure_days,
    orders.net_amount_lifetime / orders.orders_lifetime as average_order_amount,
    orders.return_rate_365d,
    browsing.sessions_90d,
    campaigns.open_rate_180d

from orders
left join browsing
    on orders.customer_id = browsing.customer_id and orders.as_of_date = browsing.as_of_date
left join campaigns
    on orders.customer_id = campaigns.customer_id and orders.as_of_date = campaigns.as_of_date
