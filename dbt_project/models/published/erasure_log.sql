{# One row per erased person and table. #}

select
    cast(erasure_id as varchar) as erasure_id,
    {{ with_time_zone('requested_at') }} as requested_at,
    {{ with_time_zone('max(finished_at)') }} as finished_at,
    cast(table_name as varchar) as table_name,
    cast(sum(rows_removed) as bigint) as rows_removed,
    cast(max(proved_by) as varchar) as proved_by

from {{ source('ml', 'erasure_log') }}
group by erasure_id, requested_at, table_name
