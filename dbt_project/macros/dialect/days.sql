{# `day` moved by `days` days; negative goes back. #}
{% macro days_after(day, days) -%}
    {{ adapter.dispatch('days_after')(day, days) }}
{%- endmacro %}

{% macro duckdb__days_after(day, days) -%}
    {{ day }} {{ '+' if days >= 0 else '-' }} {{ days | abs }}
{%- endmacro %}

{# Whole days from date `earlier` to date `later`. #}
{% macro days_between(earlier, later) -%}
    {{ adapter.dispatch('days_between')(earlier, later) }}
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    ({{ later }} - {{ earlier }})
{%- endmacro %}

{# 1 for Monday to 7 for Sunday. #}
{% macro day_of_week(day) -%}
    {{ adapter.dispatch('day_of_week')(day) }}
{%- endmacro %}

{% macro duckdb__day_of_week(day) -%}
    isodow({{ day }})
{%- endmacro %}
