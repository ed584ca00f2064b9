{# One row per customer, scheme and as-of date. #}

select
    cast(customer_id as varchar) as customer_id,
    cast(id_type as varchar) as id_type,
    cast(as_of_date as date) as as_of_date,
    cast(scored_at as timestamp) as scored_at,
    cast(run_id as varchar) as run_id,
    cast(model_name as varchar) as model_name,
    cast(model_version as varchar) as model_version,
    cast(scheme as varchar) as scheme,
    cast(is_eligible as boolean) as is_eligible,
    cast(ineligible_reason as varchar) as ineligible_reason,
    cast(status as varchar) as status,
    cast(quality_grade as varchar) as quality_grade,
    cast(is_holdout as boolean) as is_holdout,
    cast(consent_ads as boolean) as consent_ads,
    cast(consent_profiling as boolean) as consent_profiling,
    cast(segment_id as varchar) as segment_id,
    cast(segment_key as varchar) as segment_key,
    cast(segment_name as varchar) as segment_name,
    cast(distance as double) as distance,
    cast(runner_up_segment_id as varchar) as runner_up_segment_id,
    cast(margin as double) as margin,
    cast(stability_ari as double) as stability_ari,
    cast(size as bigint) as size,
    cast(rfm_cell as varchar) as rfm_cell

from {{ source('ml', 'segments__scores') }}
