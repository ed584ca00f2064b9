{# Rows whose combination of `columns` occurs more than once. #}
{% test unique_combination_of_columns(model, columns) %}

select
    {{ columns | join(',\n    ') }},
    count(*) as occurrences

from {{ model }}
group by {{ range(1, columns | length + 1) | join(', ') }}
having count(*) > 1

{% endtest %}
