{# One row per customer: newest as-of date, marked where newer scores have been withheld since. #}

{{ latest_scores(ref('purchase_propensity'), key=['customer_id']) }}
