{# One row per as-of date and customer who may be profiled on it. #}

select
    customer_id,
    as_of_date,
    as_of_at

from {{ ref('pit_customer__cohort') }}
where ineligible_reason is null and {{ in_build_window('as_of_date') }}
