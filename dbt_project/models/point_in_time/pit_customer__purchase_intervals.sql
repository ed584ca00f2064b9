{# One row per customer and as-of date: the days between one purchase day and the next, before that date. #}

with

spine as (

    select
        customer_id,
        as_of_date,
        as_of_at

    from {{ ref('pit_customer__eligible') }}
    where {{ in_build_window('as_of_date') }}

),

purchases as (

    select
        customer_id,
        known_at,
        voided_known_at,
        occurred_on

    from {{ ref('int_order__net_of_voids') }}
    where is_purchase

),

known as (

    select
        spine.customer_id,
        spine.as_of_date,
        purchases.occurred_on,
        {{ days_between('purchases.occurred_on', 'spine.as_of_date') }} as days_ago,
        lag(purchases.occurred_on) over (
            partition by spine.customer_id, spine.as_of_date order by purchases.occurred_on
        ) as previous_on

    from spine
    inner join purchases
        on spine.customer_id = purchases.customer_id
        and {{ known_as_of('purchases', 'spine') }}
        and {{ still_valid_as_of('purchases', 'spine') }}

),

gaps as (

    select
        customer_id,
        as_of_date,
        occurred_on,
        -- As-of dates are Mondays, so whole weeks counted back from them are calendar weeks.
        (days_ago - 1) // 7 as weeks_ago,
        days_ago,
        -- Several orders on one day are one purchase day, not a gap of nothing.
        nullif({{ days_between('previous_on', 'occurred_on') }}, 0) as gap_days

    from known

)

select
    customer_id,
    as_of_date,
    count(gap_days) as gaps,
    cast(avg(gap_days) as double) as gap_mean_days,
    -- From whole numbers, which add up to the same in any order; stddev_samp() does not.
    sqrt(
        (count(gap_days) * sum(gap_days * gap_days) - sum(gap_days) * sum(gap_days))
        / nullif(count(gap_days) * (count(gap_days) - 1), 0)
    ) as gap_sd_days,
    cast(max_by(gap_days, occurred_on) filter (where gap_days is not null) as bigint) as gap_last_days,
    count(distinct weeks_ago) filter (where days_ago <= 365) as active_weeks_365d

from gaps
group by 1, 2
