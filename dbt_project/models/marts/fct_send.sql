{# One row per message to a customer, sent or withheld on purpose, with everything known by now. #}

with

sends as (

    select * from {{ ref('stg_shop__sends') }}

),

campaigns as (

    select
        campaign_id,
        channel

    from {{ ref('stg_shop__campaigns') }}

)

select
    sends.campaign_id,
    sends.customer_id,
    coalesce(sends.channel, campaigns.channel) as channel,
    sends.variant,
    sends.arm,
    sends.is_treated,
    sends.sent_at,
    sends.sent_on,
    sends.opened_at,
    sends.clicked_at,
    sends.clicked_on,
    sends.unsubscribed_at

from sends
left join campaigns on sends.campaign_id = campaigns.campaign_id
