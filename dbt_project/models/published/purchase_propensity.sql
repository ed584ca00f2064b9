{# One row per customer and as-of date. #}

{{ score_history(source('ml', 'purchase_propensity__scores')) }}
