{# One row per customer and as-of date. #}

{%- set with_prob_alive %}
(
    select
        churn.*,
        '{{ run_parameter("currency") }}' as currency,
        case when not churn.is_already_churned then lifetime_value.prob_alive end as prob_alive

    from {{ source('ml', 'churn__scores') }} as churn
    left join (
        select
            customer_id,
            as_of_date,
            any_value(prob_alive) as prob_alive

        from {{ source('ml', 'lifetime_value__scores') }}
        group by 1, 2
    ) as lifetime_value using (customer_id, as_of_date)
) as scores
{%- endset %}

{{ score_history(with_prob_alive) }}
