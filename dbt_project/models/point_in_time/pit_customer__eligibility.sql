{# One row per as-of date and customer of pit_customer__cohort; a withdrawal applies to earlier dates too. #}

{{ config(materialized='view') }}

with

consents as (

    select * from {{ ref('pit_customer__cohort') }}

),

refused_by_now as (

    select
        customer_id,
        ineligible_reason

    from consents
    where
        as_of_date = (select max(newest.as_of_date) from consents as newest)
        and ineligible_reason is not null

)

select
    consents.customer_id,
    consents.as_of_date,
    consents.as_of_at,
    consents.is_holdout,
    consents.consent_ads,
    consents.consent_profiling,
    coalesce(consents.ineligible_reason, refused_by_now.ineligible_reason) as ineligible_reason

from consents
left join refused_by_now on consents.customer_id = refused_by_now.customer_id
