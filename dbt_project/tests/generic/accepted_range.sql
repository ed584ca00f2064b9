{# Rows with a value below `min_value` or above `max_value`; a missing value passes, a NaN does not. #}
{% test accepted_range(model, columns, min_value=none, max_value=none) %}

select *

from {{ model }}
where false
{%- for column in columns %}
    {%- if min_value is not none %}
    or {{ column }} < {{ min_value }}
    {%- endif %}
    {%- if max_value is not none %}
    or {{ column }} > {{ max_value }}
    {%- endif %}
{%- endfor %}

{% endtest %}
