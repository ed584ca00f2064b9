{# Rows that used a fact which was not yet known at their cutoff. Written out, not through the
   known_as_of macro: a check that shares the guard's code would share its faults. #}
{% test known_before_as_of(model, known_at='newest_known_at', as_of_at='as_of_at') %}

select *

from {{ model }}
where {{ known_at }} >= {{ as_of_at }} or {{ known_at }} is null

{% endtest %}
