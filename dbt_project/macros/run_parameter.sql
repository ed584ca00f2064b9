{#
    A parameter of the run: the dbt variable of that name, else the environment variable RUN_<NAME>.

    The pipeline uses the environment, and reads it when the SQL runs: dbt parses the whole project again when
    a variable changes, and each model that read the environment while it was parsed. Unit tests use variables.

    time_zone: time zone of the business, which defines local midnight.
    as_of_from, as_of_to: as-of dates (Mondays) to build, both included; by default one date before any order.
    today: current date of the business; outcomes whose window has ended by it are known.
    records_consent: yes when the business delivers consents, so that no answer counts as no consent; else no.
    currency: ISO 4217 code of the shop's currency; XXX stands for none.
    holdout_share, holdout_salt: share of the customers in the holdout, and the salt that draws it.
#}
{% macro run_parameter(name) -%}
    {% set defaults = {
        'time_zone': 'UTC', 'records_consent': 'no', 'currency': 'XXX', 'holdout_share': '0.05', 'holdout_salt': 'holdout--2026-01'
    } %}
    {% set default = defaults.get(name, '1970-01-05') %}
    {{ return(var(name, env_var('RUN_' ~ name | upper, default) if execute else default)) }}
{%- endmacro %}
