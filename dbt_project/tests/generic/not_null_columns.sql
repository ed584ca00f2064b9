{# One row per column of `columns` that is null somewhere. #}
{% test not_null_columns(model, columns) %}

with

missing as (

    select
        {%- for column in columns %}
        count(*) - count({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}

    from {{ model }}

)

{% for column in columns %}
select '{{ column }}' as column_name, {{ column }} as missing_rows from missing where {{ column }} > 0
{{ 'union all' if not loop.last }}
{%- endfor %}

{% endtest %}
