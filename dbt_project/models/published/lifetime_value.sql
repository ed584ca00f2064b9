{# One row per customer, horizon and as-of date. #}

{{ score_history(source('ml', 'lifetime_value__scores')) }}
