{# One row per model version and as-of date. #}

select
    cast(model_name as varchar) as model_name,
    cast(model_version as varchar) as model_version,
    cast(as_of_date as date) as as_of_date,
    cast(customers as bigint) as customers,
    cast(sum_probability as double) as sum_probability,
    cast(total_lo as double) as total_lo,
    cast(total_hi as double) as total_hi,
    cast(level_shift as double) as level_shift,
    cast(level_sd as double) as level_sd,
    cast(n_periods as bigint) as n_periods,
    cast(realised as bigint) as realised

from {{ source('ml', 'levels') }}
