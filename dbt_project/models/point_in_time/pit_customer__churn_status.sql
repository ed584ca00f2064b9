{# One row per customer and as-of date: is the time since the last order longer than the gaps explain? #}

{%- set shop_gaps, deviations = var('churn_shop_gaps'), var('churn_deviations') %}
{%- set spread = 'sqrt(greatest(0, pooled.mean_square - power(pooled.mean_days, 2)))' %}

with

silences as (

    select
        customer_id,
        as_of_date,
        days_since_order as days_since_last_order

    from {{ ref('pit_customer__orders') }}
    where {{ in_build_window('as_of_date') }}

),

own as (

    select
        customer_id,
        as_of_date,
        gaps,
        gap_mean_days,
        power(gap_mean_days, 2) + coalesce(power(gap_sd_days, 2) * (gaps - 1) / gaps, 0) as gap_mean_square

    from {{ ref('pit_customer__purchase_intervals') }}
    where {{ in_build_window('as_of_date') }}

),

-- The own gaps, pooled with gaps of the shop's typical customer. Each customer has the same weight in the
-- shop's means: weighted by gaps, customers who order every week would dominate.
pooled as (

    select
        customer_id,
        as_of_date,
        (
            coalesce(gaps * gap_mean_days, 0)
            + {{ shop_gaps }} * avg({{ exact('gap_mean_days') }}) over as_of_dates
        ) / (gaps + {{ shop_gaps }}) as mean_days,
        (
            coalesce(gaps * gap_mean_square, 0)
            + {{ shop_gaps }} * avg({{ exact('gap_mean_square') }}) over as_of_dates
        ) / (gaps + {{ shop_gaps }}) as mean_square

    from own
    window as_of_dates as (partition by as_of_date)

),

limits as (

    select
        silences.*,
        round(pooled.mean_days, 1) as personal_gap_days,
        -- Rounded, so that the last digits of a sum do not decide who has churned.
        cast(round(pooled.mean_days + {{ deviations }} * {{ spread }}) as bigint) as gone_after_days

    from silences
    inner join pooled on silences.customer_id = pooled.customer_id and silences.as_of_date = pooled.as_of_date

)

select
    *,
    coalesce(days_since_last_order > gone_after_days, false) as is_already_churned,
    case when days_since_last_order > gone_after_days then 'already_churned' end as ineligible_reason,
    coalesce(
        'gone after ' || gone_after_days || ' days without an order: mean and {{ deviations }} standard '
        || 'deviations of the own gaps between orders and {{ shop_gaps }} of the shop''s typical customer',
        'nobody is gone: no customer of the shop had ordered on two days yet'
    ) as churn_definition

from limits
