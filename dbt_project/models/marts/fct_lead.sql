{# One row per lead. Amounts in shop currency. #}

with

leads as (

    select * from {{ ref('stg_shop__leads') }}

)

select
    lead_id,
    origin,
    attributes,
    created_at,
    won_at is not null as is_won,
    won_at,
    won_amount

from leads
