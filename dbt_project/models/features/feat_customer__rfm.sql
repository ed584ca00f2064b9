{# One row per customer and as-of date: RFM quintiles among the customers of the date. #}

{% set minimum_customers = var('rfm_minimum_customers') %}

with

orders as (

    select
        customer_id,
        as_of_date,
        as_of_at,
        newest_known_at,
        -days_since_order as recency,
        orders_lifetime as frequency,
        net_amount_lifetime as monetary

    from {{ ref('feat_customer__orders') }}
    where {{ in_build_window('as_of_date') }}

),

counted as (

    select
        as_of_date,
        count(*) as customers,
        case
            when count(*) < {{ minimum_customers }} then 'fewer_than_{{ minimum_customers }}_customers'
            when
                min(recency) = max(recency)
                and min(frequency) = max(frequency)
                and min(monetary) = max(monetary)
                then 'customers_do_not_differ'
        end as ineligible_reason

    from orders
    group by 1

),

ranked as (

    select
        orders.*,
        counted.customers,
        counted.ineligible_reason,
        {{ quintile('recency') }} as recency_quintile,
        {{ quintile('frequency') }} as frequency_quintile,
        {{ quintile('monetary') }} as monetary_quintile

    from orders
    inner join counted on orders.as_of_date = counted.as_of_date

)

select
    customer_id,
    as_of_date,
    as_of_at,
    newest_known_at,
    customers,
    ineligible_reason,
    recency_quintile,
    frequency_quintile,
    monetary_quintile,
    {{ rfm_segment() }} as rfm_segment

from ranked
