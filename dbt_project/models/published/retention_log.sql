{# One row per run and place. #}

select
    cast(run_id as varchar) as run_id,
    {{ with_time_zone('deleted_at') }} as deleted_at,
    cast(place as varchar) as place,
    cast(deleted as bigint) as deleted,
    cast(before_date as date) as before_date

from {{ source('ml', 'retention_log') }}
