{# A layer's schema is its real name: the same word in dbt, in Dagster and in SQL. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
