{# One row per customer and as-of date. #}

{%- set with_currency %}
(
    select
        *,
        '{{ run_parameter("currency") }}' as currency

    from {{ source('ml', 'purchase_propensity__scores') }}
) as scores
{%- endset %}

{{ score_history(with_currency) }}
