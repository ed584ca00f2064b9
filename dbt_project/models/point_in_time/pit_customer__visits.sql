{# One row per customer and as-of date with a visit before it: sessions and what was done in them. #}

with

spine as (

    select
        customer_id,
        as_of_date,
        as_of_at

    from {{ ref('pit_customer__eligible') }}
    where {{ in_build_window('as_of_date') }}

),

visits as (

    select * from {{ ref('fct_visit_daily') }}

),

known as (

    select
        visits.*,
        spine.as_of_date,
        {{ days_between('visits.occurred_on', 'spine.as_of_date') }} as days_ago

    from spine
    inner join visits
        on spine.customer_id = visits.customer_id
        and {{ known_as_of('visits', 'spine') }}

)

select
    customer_id,
    as_of_date,
    max(known_at) as newest_known_at,
    min(days_ago) as days_since_visit,
    {%- for days in [7, 30, 90] %}
    cast(coalesce(sum(sessions) filter (where days_ago <= {{ days }}), 0) as bigint) as sessions_{{ days }}d,
    {%- endfor %}
    {%- for days in [7, 30] %}
    cast(
        coalesce(sum(product_views) filter (where days_ago <= {{ days }}), 0) as bigint
    ) as product_views_{{ days }}d,
    {%- endfor %}
    cast(coalesce(sum(searches) filter (where days_ago <= 30), 0) as bigint) as searches_30d,
    count(*) filter (where is_first_known and days_ago <= 30) as visit_days_30d,
    cast(sum(mobile_sessions) filter (where days_ago <= 90) as double)
    / nullif(sum(sessions_with_device) filter (where days_ago <= 90), 0) as mobile_share_90d

from known
group by 1, 2
