{# One row per customer, purpose and period in which an answer was valid. #}

with

consents as (

    select
        customer_id,
        purpose,
        recorded_at,
        bool_and(is_granted) as is_granted

    from {{ ref('stg_shop__consents') }}
    group by 1, 2, 3

)

select
    customer_id,
    purpose,
    is_granted,
    recorded_at as valid_from,
    lead(recorded_at) over (partition by customer_id, purpose order by recorded_at) as valid_to

from consents
