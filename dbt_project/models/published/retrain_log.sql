{# One row per decision about a model. #}

select
    cast(model_name as varchar) as model_name,
    cast(as_of_date as date) as as_of_date,
    {{ with_time_zone('decided_at') }} as decided_at,
    cast(run_id as varchar) as run_id,
    cast(trigger as varchar) as trigger,
    cast(windows_violated as integer) as windows_violated,
    cast(decision as varchar) as decision,
    cast(champion as varchar) as champion,
    cast(challenger as varchar) as challenger,
    cast(metric as varchar) as metric,
    cast(difference as double) as difference,
    cast(ci_lo as double) as ci_lo,
    cast(ci_hi as double) as ci_hi,
    cast(reasons as varchar) as reasons

from {{ source('ml', 'retrain_log') }}
