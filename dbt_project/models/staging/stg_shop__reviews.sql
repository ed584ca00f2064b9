{# One row per review. Instants are UTC. #}

with

reviews as (

    select * from {{ source('raw', 'reviews') }}

)

select
    review_id,
    customer_id,
    product_id,
    rating,
    text,
    label,
    written_at,
    {{ local_date('written_at') }} as written_on

from reviews
