{# One row per local day with trade: every line, also without a customer, also those that void each other. #}

with

orders as (

    select * from {{ ref('fct_order') }}

),

order_lines as (

    select
        occurred_on,
        count(*) as order_lines,
        count(*) filter (where customer_id is null) as order_lines_without_customer,
        coalesce(sum({{ exact('quantity') }}) filter (where is_product), 0) as units,
        coalesce(sum(net_amount) filter (where is_product or is_discount), 0) as net_amount,
        coalesce(sum(net_amount) filter (where not is_product and not is_discount), 0) as service_amount,
        coalesce(sum(net_amount) filter (where customer_id is null), 0) as amount_without_customer,
        sum(net_amount) as total_amount

    from {{ ref('fct_order_line') }}
    group by 1

),

order_counts as (

    select
        occurred_on,
        count(*) as orders,
        count(distinct customer_id) as customers

    from orders
    where is_purchase and not is_voided
    group by 1

)

select
    order_lines.occurred_on,
    coalesce(order_counts.orders, 0) as orders,
    coalesce(order_counts.customers, 0) as customers,
    order_lines.order_lines,
    order_lines.order_lines_without_customer,
    order_lines.units,
    order_lines.net_amount,
    order_lines.service_amount,
    order_lines.total_amount,
    order_lines.amount_without_customer

from order_lines
left join order_counts on order_lines.occurred_on = order_counts.occurred_on
