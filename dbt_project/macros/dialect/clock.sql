{# The UTC instant at which local day `day` begins for the business. #}
{% macro local_midnight(day) -%}
    {{ adapter.dispatch('local_midnight')(day) }}
{%- endmacro %}

{% macro duckdb__local_midnight(day) -%}
    cast(timezone('{{ run_parameter("time_zone") }}', cast({{ day }} as timestamp)) as timestamp)
{%- endmacro %}

{# The business's local date at UTC instant `instant`. #}
{% macro local_date(instant) -%}
    {{ adapter.dispatch('local_date')(instant) }}
{%- endmacro %}

{% macro duckdb__local_date(instant) -%}
    cast(timezone('{{ run_parameter("time_zone") }}', timezone('UTC', {{ instant }})) as date)
{%- endmacro %}
