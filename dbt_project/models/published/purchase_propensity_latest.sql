{# One row per customer: the newest as-of date, marked where the gate withheld newer scores since. #}

with

scores as (

    select * from {{ ref('purchase_propensity') }}

),

withheld as (

    select
        model_name,
        max(as_of_date) as withheld_on

    from {{ source('ml', 'retrain_log') }}
    where decision = 'withhold'
    group by 1

),

ranked as (

    select
        scores.*,
        {{ days_between('scores.as_of_date', 'withheld.withheld_on') }} > 0 as is_withheld,
        row_number() over (partition by scores.customer_id order by scores.as_of_date desc) as newness

    from scores
    left join withheld on scores.model_name = withheld.model_name

)

select
    customer_id,
    id_type,
    as_of_date,
    scored_at,
    run_id,
    model_name,
    model_version,
    target,
    horizon_days,
    is_eligible,
    ineligible_reason,
    case when is_withheld then 'withheld_by_gate' else status end as status,
    quality_grade,
    is_holdout,
    consent_ads,
    consent_profiling,
    probability,
    probability_raw,
    prob_lo,
    prob_hi,
    score,
    percentile,
    decile,
    percentile_population,
    tier,
    tier_rule,
    base_rate,
    lift,
    expected_value,
    reason_1_code,
    reason_1_value,
    reason_1_direction,
    reason_1_importance,
    reason_2_code,
    reason_2_value,
    reason_2_direction,
    reason_2_importance,
    reason_3_code,
    reason_3_value,
    reason_3_direction,
    reason_3_importance

from ranked
where newness = 1
