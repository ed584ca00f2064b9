{#
    What every published table of scores consists of, said once: name and type of each column, in order.
    `more` are the columns of one problem alone.
#}
{% macro score_columns(more={}) -%}
    {%- set columns = {
        'customer_id': 'varchar', 'id_type': 'varchar', 'as_of_date': 'date', 'scored_at': 'timestamp',
        'run_id': 'varchar', 'model_name': 'varchar', 'model_version': 'varchar', 'target': 'varchar',
        'horizon_days': 'integer', 'is_eligible': 'boolean', 'ineligible_reason': 'varchar', 'status': 'varchar',
        'quality_grade': 'varchar', 'is_holdout': 'boolean', 'consent_ads': 'boolean',
        'consent_profiling': 'boolean', 'probability': 'double', 'probability_raw': 'double',
        'prob_lo': 'double', 'prob_hi': 'double', 'score': 'integer', 'percentile': 'integer',
        'decile': 'integer', 'percentile_population': 'varchar', 'tier': 'varchar', 'tier_rule': 'varchar',
        'base_rate': 'double', 'lift': 'double', 'expected_value': 'double',
    } -%}
    {%- for place in (1, 2, 3) -%}
        {%- do columns.update({
            'reason_' ~ place ~ '_code': 'varchar', 'reason_' ~ place ~ '_value': 'varchar',
            'reason_' ~ place ~ '_direction': 'varchar', 'reason_' ~ place ~ '_importance': 'double',
        }) -%}
    {%- endfor -%}
    {%- do columns.update(more) -%}
    {{ return(columns) }}
{%- endmacro %}

{# Every score as it was said. #}
{% macro score_history(scores, more={}) -%}
    select
    {%- for name, type in score_columns(more).items() %}
        cast({{ name }} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}

    from {{ scores }}
{%- endmacro %}

{# The newest row of each `key`, marked where the gate withheld newer ones since. A row that is served on leaves
   when the customer has withdrawn the consent to it since. `columns` is a list, or a dictionary with types. #}
{% macro latest_scores(scores, columns, key=['customer_id']) %}
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
        scores.is_eligible and permissions.ineligible_reason is not null as is_withdrawn,
        row_number() over (partition by scores.{{ key | join(', scores.') }} order by scores.as_of_date desc) as recency_rank

    from scores
    left join withheld on scores.model_name = withheld.model_name
    left join {{ ref('pit_customer__eligibility') }} as permissions
        on scores.customer_id = permissions.customer_id and scores.as_of_date = permissions.as_of_date

)

select
{%- for name in columns %}
    {{ "case when is_withheld then 'withheld_by_gate' else status end as status" if name == 'status' else name }}
    {{- ',' if not loop.last }}
{%- endfor %}

from ranked
where recency_rank = 1 and is_withdrawn is not true
{% endmacro %}
