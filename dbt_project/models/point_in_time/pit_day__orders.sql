{# One row per as-of date and earlier local day with orders: the shop's trade as that morning knew it. #}

with

as_of_days as (

    {{ as_of_days() }}

),

mornings as (

    select
        as_of_date,
        {{ local_midnight('as_of_date') }} as as_of_at

    from as_of_days

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
        mornings.as_of_date,
        purchases.occurred_on,
        purchases.occurred_on > min(purchases.occurred_on) over (
            partition by mornings.as_of_date, purchases.customer_id
        ) and purchases.customer_id is not null as is_repeat

    from mornings
    inner join purchases on {{ known_as_of('purchases', 'mornings') }}

)

select
    as_of_date,
    occurred_on,
    count(*) as orders,
    count(*) filter (where is_repeat) as repeat_orders

from known
group by 1, 2
