{# One row per answer of a customer to a purpose. Instants are UTC. #}

with

consents as (

    select * from {{ source('raw', 'consents') }}

)

select
    customer_id,
    purpose,
    is_granted,
    recorded_at

from consents
