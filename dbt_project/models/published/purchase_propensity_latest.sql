{# One row per customer: the newest as-of date, marked where the gate withheld newer scores since. #}

{{ latest_scores(ref('purchase_propensity'), score_columns()) }}
