{# One row per product in the shop's master data; the newest landed row wins. #}

with

products as (

    select * from {{ source('raw', 'products') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by product_id order by source_file desc, source_line desc
        ) as recency_rank

    from products

)

select
    product_id,
    title,
    description,
    category,
    unit_cost,
    launched_at,
    in_stock

from ranked
where recency_rank = 1
