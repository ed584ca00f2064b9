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

{# The UTC instant `instant`, a timestamp without time zone, as one with a time zone. #}
{% macro with_time_zone(instant) -%}
    {{ adapter.dispatch('with_time_zone')(instant) }}
{%- endmacro %}

{% macro duckdb__with_time_zone(instant) -%}
    timezone('UTC', cast({{ instant }} as timestamp))
{%- endmacro %}
