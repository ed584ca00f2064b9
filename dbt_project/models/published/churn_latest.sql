{# One row per customer: newest as-of date, marked where newer scores have been withheld since. #}

{{ latest_scores(ref('churn'), key=['customer_id']) }}
