{# One row per customer and scheme: the newest as-of date. #}

with

ranked as (

    select
        *,
        row_number() over (partition by customer_id, scheme order by as_of_date desc) as newness

    from {{ ref('segments') }}

)

select
    customer_id,
    id_type,
    as_of_date,
    scored_at,
    run_id,
    model_name,
    model_version,
    scheme,
    is_eligible,
    ineligible_reason,
    status,
    quality_grade,
    is_holdout,
    consent_ads,
    consent_profiling,
    segment_id,
    segment_key,
    segment_name,
    distance,
    runner_up_segment_id,
    margin,
    stability_ari,
    size,
    rfm_cell

from ranked
where newness = 1
