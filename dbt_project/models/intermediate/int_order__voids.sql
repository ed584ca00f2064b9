{# One row per part of an order that was taken back whole within a day: entered and cancelled, not sold. #}

with

order_lines as (

    select
        order_id,
        customer_id,
        known_at,
        occurred_at,
        product_id,
        abs(quantity) as units,
        is_return

    from {{ ref('stg_shop__order_lines') }}
    where is_product and customer_id is not null

),

-- The products and units sold or returned as one text, so that equal baskets are equal texts.
baskets as (

    select
        order_id,
        customer_id,
        known_at,
        min(occurred_at) as occurred_at,
        bool_and(is_return) as is_return,
        md5(
            string_agg(product_id || ' x ' || cast(units as varchar), ', ' order by product_id, units)
        ) as basket

    from order_lines
    group by 1, 2, 3
    having bool_and(is_return) or not bool_or(is_return)

),

-- A cancellation voids the newest equal order that was known when the cancellation was: later
-- arrivals never change that choice, so a past as-of date cannot change.
matches as (

    select
        orders.order_id,
        orders.customer_id,
        orders.known_at,
        cancellations.order_id as voiding_order_id,
        cancellations.known_at as voided_known_at,
        row_number() over (
            partition by cancellations.order_id, cancellations.customer_id, cancellations.known_at
            order by orders.occurred_at desc, orders.known_at desc, orders.order_id desc
        ) as recency_rank

    from baskets as cancellations
    inner join baskets as orders
        on cancellations.customer_id = orders.customer_id
        and cancellations.basket = orders.basket
        and cancellations.occurred_at >= orders.occurred_at
        and cancellations.occurred_at <= orders.occurred_at + interval '1 day'
        and cancellations.known_at >= orders.known_at
    where cancellations.is_return and not orders.is_return

)

select
    order_id,
    customer_id,
    known_at,
    voiding_order_id,
    voided_known_at

from matches
where recency_rank = 1
qualify row_number() over (
    partition by order_id, customer_id, known_at order by voided_known_at, voiding_order_id
) = 1
