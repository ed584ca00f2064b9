{#
    Every customer and as-of date whose `days` days had ended by `today`: has_purchase, outcome_amount,
    outcome_orders, outcome_known_at. Voided orders are no purchases.
#}
{% macro outcomes_within(days) %}
with

spine as (

    select
        customer_id,
        as_of_date,
        as_of_at

    from {{ ref('pit_customer__eligible') }}
    where {{ days_after('as_of_date', days) }} <= cast('{{ run_parameter("today") }}' as date)

),

orders as (

    select
        customer_id,
        occurred_on,
        known_at,
        is_purchase,
        net_amount

    from {{ ref('int_order__net_of_voids') }}
    where voided_known_at is null and not is_reversal

),

outcomes as (

    select
        spine.customer_id,
        spine.as_of_date,
        bool_or(orders.is_purchase) as has_purchase,
        sum(orders.net_amount) as outcome_amount,
        count(distinct orders.occurred_on) filter (where orders.is_purchase) as outcome_orders,
        max(orders.known_at) as newest_known_at

    from spine
    inner join orders
        on spine.customer_id = orders.customer_id
        and {{ occurs_within('orders', 'spine', days=days) }}
    group by 1, 2

),

windows as (

    select
        as_of_date,
        {{ local_midnight(days_after('as_of_date', days)) }} as ended_at

    from (select distinct as_of_date from spine) as as_of_dates

)

select
    spine.customer_id,
    spine.as_of_date,
    coalesce(outcomes.has_purchase, false) as has_purchase,
    coalesce(outcomes.outcome_amount, 0) as outcome_amount,
    coalesce(outcomes.outcome_orders, 0) as outcome_orders,
    -- No purchase is known only when the window ends; a purchase that was reported late, even later.
    greatest(windows.ended_at, coalesce(outcomes.newest_known_at, windows.ended_at)) as outcome_known_at

from spine
inner join windows on spine.as_of_date = windows.as_of_date
left join outcomes on spine.customer_id = outcomes.customer_id and spine.as_of_date = outcomes.as_of_date
{% endmacro %}
