{#
    What a run asks for: a variable of that name, else the environment's RUN_<NAME>.

    The pipeline uses the environment, and reads it when the SQL runs: dbt parses the whole project again when
    a variable changes, and each model that read the environment while it was parsed. Unit tests use variables.

    time_zone: the business's own clock, where its midnight is.
    as_of_from, as_of_to: as-of days (Mondays) to build, both included; one day before anybody traded by default.
    today: what day it is for the business; outcomes whose window ended by this morning are known.
    records_consent: yes when the business delivers consents, so that silence is no; else no.
    holdout_share, holdout_salt: how large a share of the customers is held out, and by which draw.
#}
{% macro run_parameter(name) -%}
    {% set words = {
        'time_zone': 'UTC', 'records_consent': 'no', 'holdout_share': '0.05', 'holdout_salt': 'holdout--2026-01'
    } %}
    {% set otherwise = words.get(name, '1970-01-05') %}
    {{ return(var(name, env_var('RUN_' ~ name | upper, otherwise) if execute else otherwise)) }}
{%- endmacro %}
