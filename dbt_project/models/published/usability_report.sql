{# One row per capability, step and column concerned. #}

select
    cast(name as varchar) as name,
    cast(step as varchar) as step,
    cast(state as varchar) as state,
    cast(column_name as varchar) as column_name,
    cast(table_name as varchar) as table_name,
    cast(details as varchar) as details

from {{ source('ml', 'usability_report') }}
