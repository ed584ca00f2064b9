{#
    Score tables. Their columns and types are the contract of the model that calls the macro: its properties
    file is the only place in the dbt project that lists them.
#}

{# Every row of `scores`, each column cast to the type of the contract. #}
{% macro score_history(scores) -%}
    select
    {%- for column in model.columns.values() %}
        {{ with_time_zone(column.name) if column.data_type == 'timestamptz'
            else 'cast(' ~ column.name ~ ' as ' ~ column.data_type ~ ')' }} as {{ column.name }}{{ ',' if not loop.last }}
    {%- endfor %}

    from {{ scores }}
{%- endmacro %}

{#
    The newest row of each `key` of a score table; the first column of the key names the customer.

    A row is marked `withheld_by_gate` when newer scores of its model have been withheld since. It is left out
    when the customer has withdrawn consent since: eligibility applies a withdrawal to every earlier date.
#}
{% macro latest_scores(scores, key) %}
with

scores as (

    select * from {{ scores }}

),

withheld as (

    select
        model_name,
        max(as_of_date) as withheld_on

    from {{ source('ml', 'retrain_log') }}
    where decision = 'withhold'
    group by 1

),

ranked as (

    select
        scores.*,
        {{ days_between('scores.as_of_date', 'withheld.withheld_on') }} > 0 as is_withheld,
        eligibility.ineligible_reason is not null
        and scores.ineligible_reason is distinct from eligibility.ineligible_reason as is_withdrawn,
        row_number() over (
            partition by scores.{{ key | join(', scores.') }} order by scores.as_of_date desc
        ) as recency_rank

    from scores
    left join withheld on scores.model_name = withheld.model_name
    left join {{ ref('pit_customer__eligibility') }} as eligibility
        on scores.{{ key[0] }} = eligibility.{{ key[0] }} and scores.as_of_date = eligibility.as_of_date

)

select
{%- for name in model.columns %}
    {{ "case when is_withheld then 'withheld_by_gate' else status end as status" if name == 'status' else name }}
    {{- ',' if not loop.last }}
{%- endfor %}

from ranked
where recency_rank = 1 and is_withdrawn is not true
{% endmacro %}
