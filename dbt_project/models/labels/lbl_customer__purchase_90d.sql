{# One row per customer and as-of date whose 90 days had ended by `today`. #}

{{ purchase_outcomes(days=90) }}
