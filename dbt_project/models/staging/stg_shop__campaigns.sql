{# One row per campaign in the business's master data. Instants are UTC. #}

with

campaigns as (

    select * from {{ source('raw', 'campaigns') }}

)

select
    campaign_id,
    title,
    channel,
    started_at,
    ended_at

from campaigns
