{# One row per customer in the shop's master data; the newest landed row wins. #}

with

customers as (

    select * from {{ source('raw', 'customers') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by signed_up_at desc nulls last, source_file desc, source_line desc
        ) as recency_rank

    from customers

)

select
    customer_id,
    signed_up_at,
    country,
    postcode,
    birth_year,
    acquisition_channel

from ranked
where recency_rank = 1
