{# One row per as-of date, experiment and name. #}

select
    cast(as_of_date as date) as as_of_date,
    cast(experiment as varchar) as experiment,
    cast(name as varchar) as name,
    cast(window_days as integer) as window_days,
    cast(contacted as bigint) as contacted,
    cast(held_out as bigint) as held_out,
    cast(treated_conversions as bigint) as treated_conversions,
    cast(control_conversions as bigint) as control_conversions,
    cast(treated_rate as double) as treated_rate,
    cast(control_rate as double) as control_rate,
    cast(difference as double) as difference,
    cast(ci_lo as double) as ci_lo,
    cast(ci_hi as double) as ci_hi,
    cast(relative_lift as double) as relative_lift,
    cast(p_value as double) as p_value

from {{ source('ml', 'experiment_lift') }}
