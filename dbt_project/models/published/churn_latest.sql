{# One row per customer: the newest as-of date, marked where the gate withheld newer scores since. #}

{%- set of_churn = {
    'churn_definition': 'varchar', 'days_since_last_order': 'bigint', 'personal_gap_days': 'double',
    'is_already_churned': 'boolean', 'prob_alive': 'double',
} %}

{{ latest_scores(ref('churn'), score_columns(of_churn)) }}
