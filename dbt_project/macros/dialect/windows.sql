{# First and last value of a window frame, skipping what is missing; the `over` follows. #}
{% macro first_given(column) -%}
    {{ adapter.dispatch('first_given')(column) }}
{%- endmacro %}

{% macro duckdb__first_given(column) -%}
    first_value({{ column }} ignore nulls)
{%- endmacro %}

{% macro last_given(column) -%}
    {{ adapter.dispatch('last_given')(column) }}
{%- endmacro %}

{% macro duckdb__last_given(column) -%}
    last_value({{ column }} ignore nulls)
{%- endmacro %}
