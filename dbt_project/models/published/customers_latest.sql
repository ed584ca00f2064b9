{# One row per customer. It reads `_latest` tables alone: who is left out, and status, are as there. #}

{%- set tables = ['purchase_propensity_latest', 'churn_latest', 'lifetime_value_latest', 'segments_latest'] %}

with

rows_of_customers as (
    {% for table in tables %}
    select
        customer_id,
        id_type,
        as_of_date,
        is_holdout,
        consent_ads,
        consent_profiling

    from {{ ref(table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

ranked as (

    select
        *,
        row_number() over (partition by customer_id order by as_of_date desc) as recency_rank

    from rows_of_customers

),

amounts as (

    {{ amounts_by_horizon() }}

),

named as (

    select
        customer_id,
        max(segment_name) filter (where scheme = 'rfm') as segment_rfm,
        max(segment_name) filter (where scheme = 'behaviour') as segment_behaviour

    from {{ ref('segments_latest') }}
    group by 1

),

joined as (

    select
        ranked.*,
        '{{ run_parameter("currency") }}' as currency,
        {{ question_columns('purchase') }},
        {{ question_columns('churn') }},
        churn.is_already_churned,
        churn.days_since_last_order,
        named.segment_rfm,
        named.segment_behaviour,
        amounts.*

    from ranked
    left join {{ ref('purchase_propensity_latest') }} as purchase on ranked.customer_id = purchase.customer_id
    left join {{ ref('churn_latest') }} as churn on ranked.customer_id = churn.customer_id
    left join amounts on ranked.customer_id = amounts.customer_id
    left join named on ranked.customer_id = named.customer_id
    where ranked.recency_rank = 1

)

{{ score_history('joined') }}
