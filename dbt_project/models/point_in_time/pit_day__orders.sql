{# One row per as-of date and earlier local day with orders: the shop's orders as known then. #}

with

mondays as (

    {{ as_of_days() }}

),

as_of_dates as (

    select
        as_of_date,
        {{ local_midnight('as_of_date') }} as as_of_at

    from mondays

),

purchases as (

    select
        customer_id,
        known_at,
        occurred_on

    from {{ ref('int_order__net_of_voids') }}
    where is_purchase

),

known as (

    select
        as_of_dates.as_of_date,
        purchases.occurred_on,
        purchases.occurred_on > min(purchases.occurred_on) over (
            partition by as_of_dates.as_of_date, purchases.customer_id
        ) and purchases.customer_id is not null as is_repeat

    from as_of_dates
    inner join purchases on {{ known_as_of('purchases', 'as_of_dates') }}

)

select
    as_of_date,
    occurred_on,
    count(*) as orders,
    count(*) filter (where is_repeat) as repeat_orders

from known
group by 1, 2
