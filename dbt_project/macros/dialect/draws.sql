{# A whole number below a million, drawn by `text` alone: the same in every run and on every machine. #}
{% macro drawn_below_a_million(text) -%}
    {{ adapter.dispatch('drawn_below_a_million')(text) }}
{%- endmacro %}

{# The lower half of the MD5: DuckDB's own hash() may change between versions. #}
{% macro duckdb__drawn_below_a_million(text) -%}
    md5_number_lower({{ text }}) % 1000000
{%- endmacro %}
