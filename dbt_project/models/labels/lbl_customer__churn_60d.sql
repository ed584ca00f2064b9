{# One row per customer and as-of date whose 60 days had ended by `today`. Voided orders are no purchases. #}

select
    customer_id,
    as_of_date,
    cast(not has_purchase as integer) as outcome,
    outcome_known_at

from ({{ outcomes_within(days=60) }}) as outcomes
