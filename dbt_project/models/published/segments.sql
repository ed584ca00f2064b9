{# One row per customer, scheme and as-of date. #}

{{ score_history(source('ml', 'segments__assignments')) }}
