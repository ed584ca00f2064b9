{# One row per message to a customer, sent or held back on purpose. Instants are UTC. #}

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
    -- Who clicked had opened, whatever the tracking picture says; least skips what is missing.
    least(opened_at, clicked_at) as opened_at,
    clicked_at,
    {{ local_date('clicked_at') }} as clicked_on,
    unsubscribed_at

from sends
