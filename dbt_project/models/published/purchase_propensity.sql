{# One row per customer and as-of date. #}

{{ scores_said(source('ml', 'purchase_propensity__scores')) }}
