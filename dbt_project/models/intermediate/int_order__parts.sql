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
        is_return,
        country,
        channel,
        currency

    from {{ ref('stg_shop__order_lines') }}

)

select
    order_id,
    customer_id,
    known_at,
    min(occurred_at) as occurred_at,
    min(occurred_on) as occurred_on,
    count(*) as order_lines,
    count(*) filter (where is_product and not is_return and net_amount > 0) > 0 as has_purchase,
    count(*) filter (where is_product and is_return) > 0 as has_return,
    coalesce(sum({{ exact('quantity') }}) filter (where is_product), 0) as units,
    coalesce(sum(net_amount) filter (where is_product and not is_return), 0) as gross_amount,
    coalesce(-sum(net_amount) filter (where is_product and is_return), 0) as returned_amount,
    coalesce(sum(net_amount) filter (where is_product), 0) as net_amount,
    coalesce(sum(net_amount) filter (where not is_product), 0) as service_amount,
    min(country) as country,
    min(channel) as channel,
    min(currency) as currency

from order_lines
group by 1, 2, 3
