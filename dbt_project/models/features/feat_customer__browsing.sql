{# One row per customer and as-of date on which visits of customers were known at all. #}

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

    select * from {{ ref('pit_customer__visits') }}
    where {{ in_build_window('as_of_date') }}

),

carts as (

    select * from {{ ref('pit_customer__carts') }}
    where {{ in_build_window('as_of_date') }}

),

-- Before the first known visit of any customer the shop was not tracked, and a 0 would be false.
tracking as (

    select min(known_at) as known_at from {{ ref('fct_visit_daily') }}

)

select
    spine.customer_id,
    spine.as_of_date,
    spine.as_of_at,
    visits.newest_known_at,
    {%- for column in [
        'sessions_7d', 'sessions_30d', 'sessions_90d', 'product_views_7d', 'product_views_30d',
        'searches_30d', 'visit_days_30d'
    ] %}
    coalesce(visits.{{ column }}, 0) as {{ column }},
    {%- endfor %}
    coalesce(carts.carts_30d, 0) as carts_30d,
    coalesce(carts.abandoned_carts_30d, 0) as abandoned_carts_30d,
    visits.days_since_visit,
    cast(visits.sessions_30d as double) / nullif(visits.sessions_90d / 3, 0) as visits_trend,
    visits.mobile_share_90d

from spine
inner join tracking on {{ known_as_of('tracking', 'spine') }}
left join visits on spine.customer_id = visits.customer_id and spine.as_of_date = visits.as_of_date
left join carts on spine.customer_id = carts.customer_id and spine.as_of_date = carts.as_of_date
