{#
    What a run asks for: a variable of that name, else the environment's ASKED_<NAME>.

    The pipeline uses the environment: when a variable changes, dbt parses the whole project again (four
    seconds a step), when the environment changes, only the models that read it. Unit tests use variables.

    time_zone: the business's own clock, where its midnight is.
    as_of_from, as_of_to: as-of days (Mondays) to build, both included; one day before anybody traded by default.
    today: what day it is for the business; outcomes whose window ended by this morning are known.
#}
{% macro asked(name) -%}
    {{ return(var(name, env_var('ASKED_' ~ name | upper, 'UTC' if name == 'time_zone' else '1970-01-05'))) }}
{%- endmacro %}
