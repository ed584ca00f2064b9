{# One row per customer and as-of date with a cart in the 30 days before it: carts filled, carts left. #}

with

spine as (

    select
        customer_id,
        as_of_date,
        as_of_at

    from {{ ref('pit_customer__eligible') }}
    where {{ in_build_window('as_of_date') }}

),

carts as (

    select
        customer_id,
        started_on as occurred_on,
        greatest(cart_known_at, customer_known_at) as known_at,
        purchase_known_at

    from {{ ref('fct_session') }}
    where has_cart and customer_id is not null

)

select
    spine.customer_id,
    spine.as_of_date,
    count(*) as carts_30d,
    count(*) filter (
        where {{ still_valid_as_of('carts', 'spine', until='purchase_known_at') }}
    ) as abandoned_carts_30d

from spine
inner join carts
    on spine.customer_id = carts.customer_id
    and {{ known_as_of('carts', 'spine', days=30) }}
group by 1, 2
