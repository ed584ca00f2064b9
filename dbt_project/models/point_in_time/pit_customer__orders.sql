{# One row per customer and as-of date: orders, returns and amounts of the windows before it. #}

with

spine as (

    select
        customer_id,
        as_of_date,
        as_of_at

    from {{ ref('pit_customer__eligible') }}
    where {{ in_build_window('as_of_date') }}

),

orders as (

    select
        customer_id,
        known_at,
        voided_known_at,
        occurred_at,
        occurred_on,
        is_purchase,
        is_return,
        units,
        gross_amount,
        returned_amount,
        net_amount,
        service_amount,
        {{ day_of_week('occurred_on') }} in (6, 7) as is_weekend,
        country

    from {{ ref('int_order__net_of_voids') }}
    where is_of_product_order and not is_reversal

),

known as (

    select
        orders.*,
        spine.as_of_date,
        spine.as_of_at,
        {{ days_between('orders.occurred_on', 'spine.as_of_date') }} as days_ago

    from spine
    inner join orders
        on spine.customer_id = orders.customer_id
        and {{ known_as_of('orders', 'spine') }}
        and {{ still_valid_as_of('orders', 'spine') }}

)

select
    customer_id,
    as_of_date,
    as_of_at,
    max(known_at) as newest_known_at,
    min(days_ago) filter (where is_purchase) as days_since_order,
    max(days_ago) filter (where is_purchase) as tenure_days,
    count(*) filter (where is_purchase) as orders_lifetime,
    sum(net_amount) as net_amount_lifetime,
    {%- for days in [30, 90, 180, 365] %}
    count(*) filter (where is_purchase and days_ago <= {{ days }}) as orders_{{ days }}d,
    coalesce(sum(net_amount) filter (where days_ago <= {{ days }}), 0) as net_amount_{{ days }}d,
    {%- endfor %}
    count(*) filter (where is_return and days_ago <= 365) as returns_365d,
    coalesce(sum(gross_amount) filter (where days_ago <= 365), 0) as gross_amount_365d,
    coalesce(sum(returned_amount) filter (where days_ago <= 365), 0) as returned_amount_365d,
    coalesce(sum(units) filter (where days_ago <= 365), 0) as units_365d,
    coalesce(sum(service_amount) filter (where days_ago <= 365), 0) as service_amount_365d,
    count(*) filter (where is_purchase and is_weekend and days_ago <= 365) as weekend_orders_365d,
    count(*) filter (where is_purchase and days_ago between 336 and 365) as orders_same_season_last_year,
    max_by(country, (occurred_at, country)) filter (where country is not null) as country

from known
group by 1, 2, 3
