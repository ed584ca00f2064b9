{# One row per as-of day and customer of whom a purchase was known, and not voided, that morning. #}

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
        voided_known_at,
        occurred_on

    from {{ ref('int_order__settled') }}
    where is_purchase and customer_id is not null

)

select distinct
    purchases.customer_id,
    mornings.as_of_date,
    mornings.as_of_at

from mornings
inner join purchases
    on {{ known_as_of('purchases', 'mornings') }}
    and {{ stands_as_of('purchases', 'mornings') }}
