{# One row per purchase of a product by a customer, with when we learned that it was bought again. #}

with

order_lines as (

    select
        customer_id,
        product_id,
        order_id,
        known_at,
        occurred_at,
        occurred_on

    from {{ ref('stg_shop__order_lines') }}
    where is_product and not is_return and net_amount > 0 and customer_id is not null

),

purchases as (

    select
        customer_id,
        product_id,
        order_id,
        known_at,
        min(occurred_at) as occurred_at,
        min(occurred_on) as occurred_on

    from order_lines
    group by 1, 2, 3, 4

)

select
    customer_id,
    product_id,
    order_id,
    known_at,
    occurred_at,
    occurred_on,
    -- From this instant on a later purchase of the same product stands for the product, so that
    -- counting rows that are not yet superseded counts products, without a distinct.
    min(known_at) over (
        partition by customer_id, product_id
        order by occurred_at desc, order_id desc, known_at desc
        rows between unbounded preceding and 1 preceding
    ) as superseded_known_at

from purchases
