{# One row per message to a customer, sent or withheld on purpose, with everything known by now. #}

with

sends as (

    select * from {{ ref('stg_shop__sends') }}

)

select
    campaign_id,
    customer_id,
    channel,
    variant,
    arm,
    is_treated,
    sent_at,
    sent_on,
    opened_at,
    clicked_at,
    clicked_on,
    unsubscribed_at

from sends
