{# One row per customer and as-of date: the purchase history that lifetime value models read. #}

with

spine as (

    select * from {{ ref('pit_customer__eligible') }}
    where {{ in_build_window('as_of_date') }}

),

orders as (

    select
        customer_id,
        known_at,
        voided_known_at,
        occurred_on,
        is_purchase,
        net_amount,
        currency

    from {{ ref('int_order__net_of_voids') }}
    where is_of_product_order and not is_reversal

),

known as (

    select
        spine.*,
        orders.known_at,
        orders.net_amount,
        orders.currency,
        -- A return is subtracted from the newest purchase before it.
        max(orders.occurred_on) filter (where orders.is_purchase) over (
            partition by spine.customer_id, spine.as_of_date order by orders.occurred_on
        ) as purchased_on

    from spine
    inner join orders
        on spine.customer_id = orders.customer_id
        and {{ known_as_of('orders', 'spine') }}
        and {{ still_valid_as_of('orders', 'spine') }}

),

purchase_days as (

    select
        customer_id,
        as_of_date,
        as_of_at,
        purchased_on,
        max(known_at) as newest_known_at,
        sum(net_amount) as net_amount,
        min(currency) as currency,
        row_number() over (partition by customer_id, as_of_date order by purchased_on) as purchase_number

    from known
    group by 1, 2, 3, 4

)

select
    customer_id,
    as_of_date,
    as_of_at,
    max(newest_known_at) as newest_known_at,
    min(purchased_on) as first_purchase_on,
    count(purchased_on) - 1 as frequency,
    {{ days_between('min(purchased_on)', 'max(purchased_on)') }} as recency_days,
    {{ days_between('min(purchased_on)', 'as_of_date') }} as age_days,
    avg(net_amount) filter (where purchase_number > 1 and purchased_on is not null) as average_order_amount,
    sum(net_amount) as net_amount_lifetime,
    max_by(currency, purchased_on) as currency

from purchase_days
group by 1, 2, 3
