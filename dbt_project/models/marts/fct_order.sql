{# One row per order, with everything known by now. Not for features, which read only what was known then. #}

with

parts as (

    select * from {{ ref('int_order__net_of_voids') }}

)

select
    order_id,
    min(customer_id) as customer_id,
    min(occurred_at) as occurred_at,
    min(occurred_on) as occurred_on,
    max(known_at) as known_at,
    min(country) as country,
    min(channel) as channel,
    min(currency) as currency,
    bool_or(is_purchase) as is_purchase,
    bool_or(is_return) as is_return,
    bool_or(voided_known_at is not null or is_reversal) as is_voided,
    cast(sum(order_lines) as bigint) as order_lines,
    sum(units) as units,
    sum(gross_amount) as gross_amount,
    sum(returned_amount) as returned_amount,
    sum(net_amount) as net_amount,
    sum(service_amount) as service_amount

from parts
group by 1
