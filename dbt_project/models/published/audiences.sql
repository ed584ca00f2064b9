{# One row per audience, as-of date and customer. #}

select
    cast(audience as varchar) as audience,
    cast(as_of_date as date) as as_of_date,
    cast(customer_id as varchar) as customer_id,
    cast(rank as bigint) as rank,
    cast(value as double) as value

from {{ source('ml', 'audiences') }}
where suppress_reason is null
