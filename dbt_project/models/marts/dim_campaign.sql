{# One row per campaign listed, sent or paid for; master data win. #}

with

campaigns as (

    select * from {{ ref('stg_shop__campaigns') }}

),

uses as (

    select
        campaign_id,
        channel

    from {{ ref('stg_shop__sends') }}

    union all

    select
        campaign_id,
        channel

    from {{ ref('stg_shop__ad_spend') }}
    where campaign_id is not null

),

used as (

    select
        campaign_id,
        min(channel) as channel

    from uses
    group by 1

)

select
    coalesce(campaigns.campaign_id, used.campaign_id) as campaign_id,
    campaigns.title,
    coalesce(campaigns.channel, used.channel) as channel,
    campaigns.started_at,
    campaigns.ended_at,
    campaigns.campaign_id is not null as is_listed

from campaigns
full outer join used on campaigns.campaign_id = used.campaign_id
