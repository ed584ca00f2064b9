{# One row per customer and as-of date. #}

{%- set of_churn = {
    'churn_definition': 'varchar', 'days_since_last_order': 'bigint', 'personal_gap_days': 'double',
    'is_already_churned': 'boolean',
} %}

{{ scores_said(source('ml', 'churn__scores'), of_churn) }}
