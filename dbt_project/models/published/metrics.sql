{# One row per model version, split, as-of date, slice and metric. #}

select
    cast(model_name as varchar) as model_name,
    cast(model_version as varchar) as model_version,
    cast(split as varchar) as split,
    cast(as_of_date as date) as as_of_date,
    cast(slice_name as varchar) as slice_name,
    cast(slice_value as varchar) as slice_value,
    cast(metric as varchar) as metric,
    cast(value as double) as value,
    cast(ci_lo as double) as ci_lo,
    cast(ci_hi as double) as ci_hi,
    cast(n as bigint) as n,
    cast(n_positive as bigint) as n_positive

from {{ source('ml', 'metrics') }}
