{# Rows in which a column of `columns` is filled although `condition` is false, or null although it is true. #}
{% test not_null_if_and_only_if(model, columns, condition) %}

select *

from {{ model }}
where false
{%- for column in columns %}
    or ({{ column }} is not null) <> ({{ condition }})
{%- endfor %}

{% endtest %}
