{#
    The point-in-time guard, and the only file in which a fact meets an as-of instant.

    Facts bring known_at (UTC instant) and occurred_on (the business's local date); spines bring
    as_of_date and as_of_at, the UTC instant of that day's local midnight.
#}

{# True for facts known before the cutoff; with `days`, only for those that occurred in the `days` days before it.
   `known_at` names the instant of a fact that has several: a message is sent, and may be opened later. #}
{% macro known_as_of(fact, spine, days=none, known_at='known_at') -%}
    {{ fact }}.{{ known_at }} < {{ spine }}.as_of_at
    {%- if days is not none %}
    and {{ fact }}.occurred_on >= {{ days_after(spine ~ '.as_of_date', -days) }}
    {%- endif %}
{%- endmacro %}

{# True unless something ended the fact (a cancellation, a newer fact) and that was known before the cutoff. #}
{% macro still_valid_as_of(fact, spine, until='voided_known_at') -%}
    ({{ fact }}.{{ until }} is null or {{ fact }}.{{ until }} >= {{ spine }}.as_of_at)
{%- endmacro %}

{# True for facts that occurred in the `days` days that begin with the as-of date: outcomes, never features. #}
{% macro occurs_within(fact, spine, days) -%}
    {{ fact }}.occurred_on >= {{ spine }}.as_of_date
    and {{ fact }}.occurred_on < {{ days_after(spine ~ '.as_of_date', days) }}
{%- endmacro %}
