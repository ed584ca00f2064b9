{# True for the share of the customers that is never contacted, drawn by a salt and the id: never by who else is there. #}
{% macro is_held_out(customer) -%}
    {{ drawn_below_a_million("'" ~ asked('holdout_salt') ~ ":' || " ~ customer) }}
    < cast({{ asked('holdout_share') }} as double) * 1000000
{%- endmacro %}
