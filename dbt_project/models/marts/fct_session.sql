{# One row per visitor and session: 30 minutes of silence end a session. #}

with

events as (

    select
        *,
        coalesce(utm_source, utm_medium, campaign_id) is not null as is_tagged

    from {{ ref('fct_event') }}

)

select
    visitor_id,
    session_number,
    max(customer_id) filter (where is_session_start) as customer_id,
    max(customer_known_at) filter (where is_session_start) as customer_known_at,
    min(occurred_at) as started_at,
    max(occurred_on) filter (where is_session_start) as started_on,
    max(occurred_at) as ended_at,
    -- The three belong together: all are taken from the first tagged event, also what it lacks.
    nullif(min_by(coalesce(utm_source, ''), event_number) filter (where is_tagged), '') as utm_source,
    nullif(min_by(coalesce(utm_medium, ''), event_number) filter (where is_tagged), '') as utm_medium,
    nullif(min_by(coalesce(campaign_id, ''), event_number) filter (where is_tagged), '') as campaign_id,
    max(device) filter (where is_session_start) as device,
    max(country) filter (where is_session_start) as country,
    count(*) as events,
    count(*) filter (where event_type = 'product_view') as product_views,
    count(*) filter (where event_type = 'search') as searches,
    count(*) filter (where event_type = 'add_to_cart') > 0 as has_cart,
    count(*) filter (where event_type = 'purchase') > 0 as has_purchase,
    min(known_at) filter (where event_type = 'add_to_cart') as cart_known_at,
    min(known_at) filter (where event_type = 'purchase') as purchase_known_at

from events
group by 1, 2
