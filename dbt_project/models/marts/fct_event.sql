{# One row per visitor event, in the order we learned of it, with its session and its customer. #}

with

events as (

    select
        *,
        case when customer_id is not null then known_at end as own_known_at

    from {{ ref('stg_shop__events') }}

),

-- Everything is assigned in the order in which it became known: a later arrival, however old, never
-- renumbers an event, never splits a session again and never moves an earlier event to another customer.
learned as (

    select
        *,
        row_number() over seen as event_number,
        lag(occurred_at) over seen as previous_at,
        {{ last_non_null('customer_id') }} over until_now as customer_until_now,
        {{ first_non_null('customer_id') }} over from_now as customer_from_now,
        {{ first_non_null('own_known_at') }} over from_now as identified_at

    from events
    window
        -- What one visitor did at one moment lies in one file, so its line decides a tie.
        seen as (partition by visitor_id order by known_at, occurred_at, source_line),
        until_now as (seen rows between unbounded preceding and current row),
        from_now as (seen rows between current row and unbounded following)

),

cut as (

    select
        *,
        previous_at is null
        or occurred_at > previous_at + interval '30 minutes'
        or previous_at > occurred_at + interval '30 minutes' as is_session_start

    from learned

)

select
    visitor_id,
    event_number,
    cast(sum(cast(is_session_start as integer)) over (
        partition by visitor_id order by event_number rows between unbounded preceding and current row
    ) as bigint) as session_number,
    is_session_start,
    coalesce(customer_until_now, customer_from_now) as customer_id,
    case when customer_until_now is null then identified_at else known_at end as customer_known_at,
    event_type,
    product_id,
    utm_source,
    utm_medium,
    campaign_id,
    device,
    country,
    occurred_at,
    occurred_on,
    known_at

from cut
