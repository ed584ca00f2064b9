{# One row per customer and horizon: newest as-of date, marked where newer scores have been withheld since. #}

{{ latest_scores(ref('lifetime_value'), key=['customer_id', 'horizon_days']) }}
