{# One row per as-of date, scheme, segment and feature. #}

select
    cast(as_of_date as date) as as_of_date,
    cast(model_name as varchar) as model_name,
    cast(model_version as varchar) as model_version,
    cast(scheme as varchar) as scheme,
    cast(segment_id as varchar) as segment_id,
    cast(segment_key as varchar) as segment_key,
    cast(segment_name as varchar) as segment_name,
    cast(size as bigint) as size,
    cast(share as double) as share,
    cast(feature as varchar) as feature,
    cast(mean as double) as mean,
    cast(mean_all as double) as mean_all,
    cast(index_vs_all as double) as index_vs_all,
    cast(n as bigint) as n

from {{ source('ml', 'segments__profiles') }}
