{# One row per landed visitor event. Instants are UTC. #}

with

events as (

    select * from {{ source('raw', 'events') }}

)

select
    source,
    source_file,
    source_line,
    visitor_id,
    customer_id,
    event_type,
    product_id,
    utm_source,
    utm_medium,
    campaign_id,
    device,
    country,
    occurred_at,
    {{ local_date('occurred_at') }} as occurred_on,
    -- No source knows a click before it happens; an export with an earlier known_at has a clock fault.
    greatest(coalesce(known_at, occurred_at), occurred_at) as known_at

from events
