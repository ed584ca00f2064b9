{# One row per customer, from the shop's master data and from the orders; master data win. #}

with

customers as (

    select * from {{ ref('stg_shop__customers') }}

),

orders as (

    select
        customer_id,
        min(occurred_at) filter (where is_purchase and not is_voided) as first_ordered_at,
        max(occurred_at) filter (where is_purchase and not is_voided) as last_ordered_at,
        max_by(country, (occurred_at, country)) filter (where country is not null) as country

    from {{ ref('fct_order') }}
    where customer_id is not null
    group by 1

)

select
    coalesce(customers.customer_id, orders.customer_id) as customer_id,
    customers.signed_up_at,
    orders.first_ordered_at,
    orders.last_ordered_at,
    coalesce(customers.country, orders.country) as country,
    customers.postcode,
    customers.birth_year,
    customers.acquisition_channel

from customers
full outer join orders on customers.customer_id = orders.customer_id
