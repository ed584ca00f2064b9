{# Parts of the wide table customers_latest. #}

{# Amounts of lifetime_value_latest, one row per customer: a column per horizon. #}
{% macro amounts_by_horizon() -%}
    select
        customer_id,
    {%- for name in [
        'historic_value', 'historic_orders', 'avg_order_value', 'avg_days_between_orders', 'prob_alive',
        'expected_next_order_date', 'next_order_p10_date', 'next_order_p90_date', 'is_overdue',
    ] %}
        any_value({{ name }}) as {{ name }},
    {%- endfor %}
    {%- for days in [30, 90, 365] %}
    {%- for name in ['predicted_value', 'predicted_value_lo', 'predicted_value_hi', 'predicted_orders'] %}
        max({{ name }}) filter (where horizon_days = {{ days }}) as {{ name }}_{{ days }}d,
    {%- endfor %}
        max(status) filter (where horizon_days = {{ days }}) as value_status_{{ days }}d,
        max(quality_grade) filter (where horizon_days = {{ days }}) as value_quality_grade_{{ days }}d,
    {%- endfor %}
        bool_or(is_high_value) filter (where horizon_days = 365) as is_high_value

    from {{ ref('lifetime_value_latest') }}
    group by 1
{%- endmacro %}

{# Columns of a table of probabilities that is joined as `question`, each with that prefix. #}
{% macro question_columns(question) -%}
    {%- for name in [
        'probability', 'prob_lo', 'prob_hi', 'percentile', 'decile', 'tier', 'expected_value', 'status',
        'quality_grade',
    ] %}
        {{ question }}.{{ name }} as {{ question }}_{{ name }},
    {%- endfor %}
    {%- for place in [1, 2, 3] %}
        {{ question }}.reason_{{ place }}_sentence as {{ question }}_reason_{{ place }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
