{# One row per model version, split, as-of date, slice and bin. #}

select
    cast(model_name as varchar) as model_name,
    cast(model_version as varchar) as model_version,
    cast(split as varchar) as split,
    cast(as_of_date as date) as as_of_date,
    cast(slice_name as varchar) as slice_name,
    cast(slice_value as varchar) as slice_value,
    cast(bin as integer) as bin,
    cast(n as bigint) as n,
    cast(mean_predicted as double) as mean_predicted,
    cast(mean_observed as double) as mean_observed,
    cast(ci_lo as double) as ci_lo,
    cast(ci_hi as double) as ci_hi

from {{ source('ml', 'calibration_bins') }}
