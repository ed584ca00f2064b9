{# One row per as-of day and customer of whom a purchase was known, and not voided, that morning. #}

with

mornings as (

    select
        as_of_date,
        {{ local_midnight('as_of_date') }} as as_of_at

    from ({{ as_of_days() }}) as as_of_days

),

purchases as (

    select
        customer_id,
        known_at,
        voided_known_at,
        occurred_on

    from {{ ref('int_order__net_of_voids') }}
    where is_purchase and customer_id is not null

),

customers as (

    select distinct
        purchases.customer_id,
        mornings.as_of_date,
        mornings.as_of_at

    from mornings
    inner join purchases
        on {{ known_as_of('purchases', 'mornings') }}
        and {{ still_valid_as_of('purchases', 'mornings') }}

),

answers as (

    select
        customers.customer_id,
        customers.as_of_date,
        bool_or(consents.is_granted) filter (where consents.purpose = 'advertising') as consent_ads,
        bool_or(consents.is_granted) filter (where consents.purpose = 'profiling') as consent_profiling

    from customers
    inner join {{ ref('fct_consent') }} as consents
        on customers.customer_id = consents.customer_id
        and {{ known_as_of('consents', 'customers', known_at='valid_from') }}
        and {{ still_valid_as_of('consents', 'customers', until='valid_to') }}
    group by 1, 2

)

select
    customers.*,
    {{ is_held_out('customers.customer_id') }} as is_holdout,
    answers.consent_ads,
    answers.consent_profiling,
    -- Where consent is recorded, silence is no.
    case
        when '{{ run_parameter("records_consent") }}' = 'yes' and answers.consent_profiling is not true
            then 'no_consent'
    end as ineligible_reason

from customers
left join answers on customers.customer_id = answers.customer_id and customers.as_of_date = answers.as_of_date
