{# One row per lead. Instants are UTC; amounts in shop currency. #}

with

leads as (

    select * from {{ source('raw', 'leads') }}

)

select
    lead_id,
    origin,
    attributes,
    created_at,
    won_at,
    won_amount

from leads
