{# One row per order, customer and instant we learned part of it, with what voids did to that part. #}

with

parts as (

    select * from {{ ref('int_order__parts') }}

),

voids as (

    select
        order_id,
        customer_id,
        known_at,
        voiding_order_id,
        voided_known_at

    from {{ ref('int_order__voids') }}

),

-- An order learned in several parts counts once: with the first part that has a purchase (or a return).
first_parts as (

    select
        *,
        has_purchase and row_number() over (
            partition by order_id, customer_id, has_purchase order by known_at
        ) = 1 as is_purchase,
        has_return and row_number() over (
            partition by order_id, customer_id, has_return order by known_at
        ) = 1 as is_return

    from parts

)

select
    first_parts.order_id,
    first_parts.customer_id,
    first_parts.occurred_at,
    first_parts.occurred_on,
    first_parts.known_at,
    voids.voided_known_at,
    reversals.voiding_order_id is not null as is_reversal,
    first_parts.is_purchase,
    first_parts.is_return,
    first_parts.is_of_product_order,
    first_parts.order_lines,
    first_parts.units,
    first_parts.gross_amount,
    first_parts.returned_amount,
    first_parts.net_amount,
    first_parts.service_amount,
    first_parts.country,
    first_parts.channel,
    first_parts.currency

from first_parts
left join voids
    on first_parts.order_id = voids.order_id
    and first_parts.customer_id = voids.customer_id
    and first_parts.known_at = voids.known_at
left join voids as reversals
    on first_parts.order_id = reversals.voiding_order_id
    and first_parts.customer_id = reversals.customer_id
    and first_parts.known_at = reversals.voided_known_at
