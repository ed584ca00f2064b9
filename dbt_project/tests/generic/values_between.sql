{# Rows with a value below `least` or above `most`; a missing value passes, a NaN does not. #}
{% test values_between(model, columns, least=none, most=none) %}

select *

from {{ model }}
where false
{%- for column in columns %}
    {%- if least is not none %}
    or {{ column }} < {{ least }}
    {%- endif %}
    {%- if most is not none %}
    or {{ column }} > {{ most }}
    {%- endif %}
{%- endfor %}

{% endtest %}
