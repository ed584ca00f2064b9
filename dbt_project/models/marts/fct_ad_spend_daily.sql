{# One row per local day, advertising channel and campaign. Amounts in shop currency. #}

with

ad_spend as (

    select * from {{ ref('stg_shop__ad_spend') }}

)

select
    spent_on,
    channel,
    campaign_id,
    coalesce(impressions, 0) as impressions,
    coalesce(clicks, 0) as clicks,
    coalesce(cost_amount, 0) as cost_amount

from ad_spend
