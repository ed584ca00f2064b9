{# One row per customer and as-of date with a message in the 180 days before it: sent, opened, clicked. #}

with

spine as (

    select
        customer_id,
        as_of_date,
        as_of_at

    from {{ ref('pit_customer__eligible') }}
    where {{ in_build_window('as_of_date') }}

),

sends as (

    select
        customer_id,
        sent_at as known_at,
        sent_on as occurred_on,
        opened_at,
        clicked_at

    from {{ ref('fct_send') }}
    where is_treated

),

known as (

    select
        spine.customer_id,
        spine.as_of_date,
        sends.known_at,
        case
            when {{ known_as_of('sends', 'spine', known_at='opened_at') }} then sends.opened_at
        end as opened_at,
        case
            when {{ known_as_of('sends', 'spine', known_at='clicked_at') }} then sends.clicked_at
        end as clicked_at,
        {{ days_between('sends.occurred_on', 'spine.as_of_date') }} as days_ago

    from spine
    inner join sends
        on spine.customer_id = sends.customer_id
        and {{ known_as_of('sends', 'spine', days=180) }}

)

select
    customer_id,
    as_of_date,
    greatest(max(known_at), max(opened_at), max(clicked_at)) as newest_known_at,
    count(*) filter (where days_ago <= 90) as sends_90d,
    count(opened_at) filter (where days_ago <= 90) as opens_90d,
    count(clicked_at) filter (where days_ago <= 90) as clicks_90d,
    count(*) as sends_180d,
    count(opened_at) as opens_180d,
    count(clicked_at) as clicks_180d

from known
group by 1, 2
