{# True for the share of the customers that is never contacted, drawn by salt and id, independently of other customers. #}
{% macro is_held_out(customer) -%}
    {{ hash_bucket("'" ~ run_parameter('holdout_salt') ~ ":' || " ~ customer) }}
    < cast({{ run_parameter('holdout_share') }} as double) * 1000000
{%- endmacro %}
