{# One row per local day, advertising channel and campaign. Amounts in shop currency. #}

with

ad_spend as (

    select * from {{ source('raw', 'ad_spend') }}

)

select
    date as spent_on,
    channel,
    campaign_id,
    impressions,
    clicks,
    cost_amount

from ad_spend
