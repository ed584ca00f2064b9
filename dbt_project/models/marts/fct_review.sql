{# One row per review. #}

with

reviews as (

    select * from {{ ref('stg_shop__reviews') }}

)

select
    review_id,
    customer_id,
    product_id,
    written_at,
    written_on,
    rating,
    text,
    label

from reviews
