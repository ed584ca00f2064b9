{# One row per customer, local day of visit and local day on which its customer became known. #}

with

events as (

    select
        *,
        -- Cutoffs are local midnights, so facts learned on one local day are known on the same as-of dates.
        case
            when customer_known_at = occurred_at then occurred_on
            else {{ local_date('customer_known_at') }}
        end as known_on

    from {{ ref('fct_event') }}
    where customer_id is not null

)

select
    customer_id,
    occurred_on,
    known_on,
    max(customer_known_at) as known_at,
    row_number() over (partition by customer_id, occurred_on order by known_on) = 1 as is_first_known,
    count(*) as events,
    count(*) filter (where is_session_start) as sessions,
    count(*) filter (where is_session_start and device is not null) as sessions_with_device,
    count(*) filter (where is_session_start and lower(device) = 'mobile') as mobile_sessions,
    count(*) filter (where event_type = 'product_view') as product_views,
    count(*) filter (where event_type = 'search') as searches

from events
group by 1, 2, 3
