{# One row per local day, advertising channel and campaign: devices, ads and hours are summed. Amounts in shop
currency. #}

with

ad_spend as (

    select * from {{ source('raw', 'ad_spend') }}

)

select
    date as spent_on,
    channel,
    campaign_id,
    sum(impressions) as impressions,
    sum(clicks) as clicks,
    sum(cost_amount) as cost_amount

from ad_spend
group by 1, 2, 3
