{# One row per customer and as-of date by which the business had sent messages at all. #}

with

spine as (

    select
        customer_id,
        as_of_date,
        as_of_at

    from {{ ref('pit_customer__eligible') }}
    where {{ in_build_window('as_of_date') }}

),

sends as (

    select * from {{ ref('pit_customer__sends') }}
    where {{ in_build_window('as_of_date') }}

),

answers as (

    select * from {{ ref('pit_customer__email_responses') }}
    where {{ in_build_window('as_of_date') }}

),

-- Before the first message to any customer a 0 carries no information.
mailing as (

    select min(sent_at) as known_at from {{ ref('fct_send') }}

)

select
    spine.customer_id,
    spine.as_of_date,
    spine.as_of_at,
    greatest(sends.newest_known_at, answers.newest_known_at) as newest_known_at,
    coalesce(sends.sends_90d, 0) as sends_90d,
    coalesce(sends.opens_90d, 0) as opens_90d,
    coalesce(sends.clicks_90d, 0) as clicks_90d,
    sends.opens_180d / nullif(sends.sends_180d, 0) as open_rate_180d,
    sends.clicks_180d / nullif(sends.sends_180d, 0) as click_rate_180d,
    answers.days_since_click,
    coalesce(answers.is_unsubscribed, 0) as is_unsubscribed

from spine
inner join mailing on {{ known_as_of('mailing', 'spine') }}
left join sends on spine.customer_id = sends.customer_id and spine.as_of_date = sends.as_of_date
left join answers on spine.customer_id = answers.customer_id and spine.as_of_date = answers.as_of_date
