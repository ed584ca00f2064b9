{# First and last value of a window frame, ignoring nulls; the `over` follows. #}
{% macro first_non_null(column) -%}
    {{ adapter.dispatch('first_non_null')(column) }}
{%- endmacro %}

{% macro duckdb__first_non_null(column) -%}
    first_value({{ column }} ignore nulls)
{%- endmacro %}

{% macro last_non_null(column) -%}
    {{ adapter.dispatch('last_non_null')(column) }}
{%- endmacro %}

{% macro duckdb__last_non_null(column) -%}
    last_value({{ column }} ignore nulls)
{%- endmacro %}
