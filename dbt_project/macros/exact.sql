{#
    A number as a decimal of six places, for sums and means that are the same in any order of rows. Floating-point
    sums differ in their last digits from run to run, because threads add in another order, and a digit moves a
    customer across the edge of a bin.
#}
{% macro exact(number) -%}
    cast({{ number }} as decimal(38, 6))
{%- endmacro %}
