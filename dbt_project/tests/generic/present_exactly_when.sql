{# Rows in which a column of `columns` is present although `condition` is false, or missing although it is true. #}
{% test present_exactly_when(model, columns, condition) %}

select *

from {{ model }}
where false
{%- for column in columns %}
    or ({{ column }} is not null) <> ({{ condition }})
{%- endfor %}

{% endtest %}
