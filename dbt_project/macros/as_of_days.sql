{# The Mondays in [as_of_from, as_of_to] as a query with one column, as_of_date. #}
{% macro as_of_days() -%}
    {%- set first = modules.datetime.date.fromisoformat(run_parameter('as_of_from')) -%}
    {%- set last = modules.datetime.date.fromisoformat(run_parameter('as_of_to')) -%}
    {%- set monday = first + modules.datetime.timedelta(days=(7 - first.weekday()) % 7) -%}
    select cast(day_text as date) as as_of_date from (values (cast(null as varchar))
    {%- for week in range(((last - monday).days // 7) + 1) -%}
        , ('{{ monday + modules.datetime.timedelta(weeks=week) }}')
    {%- endfor -%}
    ) as days (day_text) where day_text is not null
{%- endmacro %}

{# True for the days in [as_of_from, as_of_to]. #}
{% macro in_build_window(day) -%}
    {{ day }} between cast('{{ run_parameter("as_of_from") }}' as date) and cast('{{ run_parameter("as_of_to") }}' as date)
{%- endmacro %}

{# Incremental strategy: the as-of dates of the run become exactly the new rows, also when there are none.
   dbt's delete+insert deletes only dates that have new rows, so a date that lost all its rows would stay. #}
{% macro get_incremental_replace_days_sql(arguments) -%}
    {%- set columns = get_quoted_csv(arguments['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arguments['target_relation'] }}
    where {{ in_build_window('as_of_date') }};

    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }}
{%- endmacro %}
