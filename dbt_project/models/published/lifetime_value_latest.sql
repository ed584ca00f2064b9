{# One row per customer and horizon: the newest as-of date, marked where the gate withheld newer ones. #}

{%- set columns = [
    'customer_id', 'id_type', 'as_of_date', 'scored_at', 'run_id', 'model_name', 'model_version', 'target',
    'horizon_days', 'is_eligible', 'ineligible_reason', 'status', 'quality_grade', 'is_holdout',
    'consent_ads', 'consent_profiling', 'historic_value', 'predicted_value', 'predicted_value_lo',
    'predicted_value_hi', 'total_value', 'historic_orders', 'predicted_orders', 'avg_days_between_orders',
    'avg_order_value', 'prob_alive', 'prob_churn', 'expected_next_order_date', 'next_order_p10_date',
    'next_order_p90_date', 'is_overdue', 'currency', 'value_basis', 'is_high_value', 'high_value_rule',
    'baseline_value',
] %}

{{ latest_scores(ref('lifetime_value'), columns, key=['customer_id', 'horizon_days']) }}
