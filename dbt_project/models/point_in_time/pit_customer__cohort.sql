{# One row per as-of date and customer with a purchase that was known and not voided by then. #}

with

as_of_dates as (

    select
        as_of_date,
        {{ local_midnight('as_of_date') }} as as_of_at

    from ({{ as_of_days() }}) as mondays

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
        as_of_dates.as_of_date,
        as_of_dates.as_of_at

    from as_of_dates
    inner join purchases
        on {{ known_as_of('purchases', 'as_of_dates') }}
        and {{ still_valid_as_of('purchases', 'as_of_dates') }}

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
    -- Where consent is recorded, no answer counts as no consent.
    case
        when '{{ run_parameter("records_consent") }}' = 'yes' and answers.consent_profiling is not true
            then 'no_consent'
    end as ineligible_reason

from customers
left join answers on customers.customer_id = answers.customer_id and customers.as_of_date = answers.as_of_date
