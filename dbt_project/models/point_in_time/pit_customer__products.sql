{# One row per customer and as-of date with a product bought in the year before: how many different ones. #}

with

spine as (

    select
        customer_id,
        as_of_date,
        as_of_at

    from {{ ref('pit_customer__eligible') }}
    where {{ in_build_window('as_of_date') }}

),

purchases as (

    select
        customer_id,
        known_at,
        superseded_known_at,
        occurred_on

    from {{ ref('int_customer_product__purchases') }}

)

select
    spine.customer_id,
    spine.as_of_date,
    count(*) filter (where {{ known_as_of('purchases', 'spine', days=90) }}) as products_90d,
    count(*) as products_365d

from spine
inner join purchases
    on spine.customer_id = purchases.customer_id
    and {{ known_as_of('purchases', 'spine', days=365) }}
    and {{ still_valid_as_of('purchases', 'spine', until='superseded_known_at') }}
group by 1, 2
