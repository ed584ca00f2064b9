{# One row per landed order line, products and services alike. #}

with

order_lines as (

    select * from {{ ref('stg_shop__order_lines') }}

)

select
    source,
    source_file,
    source_line,
    order_id,
    customer_id,
    product_id,
    occurred_at,
    occurred_on,
    known_at,
    quantity,
    unit_price,
    discount_amount,
    net_amount,
    currency,
    is_return,
    is_product,
    is_discount

from order_lines
