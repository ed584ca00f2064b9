{# One row per order, customer and instant we learned part of it: what became known together. #}

with

order_lines as (

    select
        order_id,
        customer_id,
        known_at,
        occurred_at,
        occurred_on,
        product_id,
        quantity,
        net_amount,
        is_product,
        is_discount,
        is_return,
        country,
        channel,
        currency

    from {{ ref('stg_shop__order_lines') }}

),

-- An order begins with the products that were known first.
orders as (

    select
        order_id,
        known_at,
        min(occurred_at) as occurred_at,
        min(occurred_on) as occurred_on

    from order_lines
    where is_product
    group by 1, 2
    qualify row_number() over (partition by order_id order by known_at) = 1

),

-- Postage, a fee or a quote dated before its order would reveal an order that had not been placed yet.
-- greatest ignores nulls: products, and services of an order without a product, keep their dates.
dated as (

    select
        order_lines.* replace (
            greatest(order_lines.known_at, orders.known_at) as known_at,
            greatest(order_lines.occurred_at, orders.occurred_at) as occurred_at,
            greatest(order_lines.occurred_on, orders.occurred_on) as occurred_on
        ),
        order_lines.is_product or orders.order_id is not null as is_of_product_order

    from order_lines
    left join orders on order_lines.order_id = orders.order_id and not order_lines.is_product

)

select
    order_id,
    customer_id,
    known_at,
    min(occurred_at) as occurred_at,
    min(occurred_on) as occurred_on,
    count(*) as order_lines,
    bool_or(is_of_product_order) as is_of_product_order,
    count(*) filter (where is_product and not is_return and net_amount > 0) > 0 as has_purchase,
    count(*) filter (where is_product and is_return) > 0 as has_return,
    coalesce(sum({{ exact('quantity') }}) filter (where is_product), 0) as units,
    coalesce(sum(net_amount) filter (where is_discount or is_product and not is_return), 0) as gross_amount,
    coalesce(-sum(net_amount) filter (where is_product and is_return), 0) as returned_amount,
    coalesce(sum(net_amount) filter (where is_product or is_discount), 0) as net_amount,
    coalesce(sum(net_amount) filter (where not is_product and not is_discount), 0) as service_amount,
    min(country) as country,
    min(channel) as channel,
    min(currency) as currency

from dated
group by 1, 2, 3
