{# One row per customer and scheme: newest as-of date, marked where newer scores have been withheld since. #}

{{ latest_scores(ref('segments'), key=['customer_id', 'scheme']) }}
