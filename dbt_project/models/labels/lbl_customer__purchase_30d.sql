{# One row per customer and as-of date whose 30 days had ended by `today`. Voided orders are no purchases. #}

select
    customer_id,
    as_of_date,
    cast(has_purchase as integer) as outcome,
    outcome_amount,
    outcome_orders,
    outcome_known_at

from ({{ outcomes_within(days=30) }}) as outcomes
