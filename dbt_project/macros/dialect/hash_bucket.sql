{# Hash bucket of `text`, a whole number below a million: the same in every run and on every machine. #}
{% macro hash_bucket(text) -%}
    {{ adapter.dispatch('hash_bucket')(text) }}
{%- endmacro %}

{# The lower half of the MD5: DuckDB's own hash() may change between versions. #}
{% macro duckdb__hash_bucket(text) -%}
    md5_number_lower({{ text }}) % 1000000
{%- endmacro %}
