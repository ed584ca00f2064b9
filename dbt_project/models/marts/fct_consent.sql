{# One row per customer, purpose and period in which an answer was valid. #}

with

consents as (

    select * from {{ ref('stg_shop__consents') }}

)

select
    customer_id,
    purpose,
    is_granted,
    recorded_at as valid_from,
    lead(recorded_at) over (partition by customer_id, purpose order by recorded_at) as valid_to

from consents
