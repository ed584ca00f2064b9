{# One row per run, asset and check. A view: the last checks are those of the published tables themselves. #}
{{ config(materialized='view') }}

select
    cast(check_name as varchar) as check_name,
    cast(asset as varchar) as asset,
    cast(as_of_date as date) as as_of_date,
    cast(severity as varchar) as severity,
    cast(status as varchar) as status,
    cast(value as double) as value,
    cast(threshold as double) as threshold,
    cast(reason as varchar) as reason,
    cast(run_id as varchar) as run_id,
    {{ with_time_zone('checked_at') }} as checked_at

from {{ source('ml', 'checks') }}
