{# One row per message to a customer, sent or withheld on purpose. Instants are UTC. #}

with

sends as (

    select * from {{ source('raw', 'sends') }}

)

select
    campaign_id,
    customer_id,
    channel,
    variant,
    arm,
    arm = 'treated' as is_treated,
    sent_at,
    {{ local_date('sent_at') }} as sent_on,
    -- A click implies an opening, whether or not the tracking pixel was loaded; least ignores nulls.
    least(opened_at, clicked_at) as opened_at,
    clicked_at,
    {{ local_date('clicked_at') }} as clicked_on,
    unsubscribed_at

from sends
