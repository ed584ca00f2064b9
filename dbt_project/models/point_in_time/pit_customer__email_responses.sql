{# One row per customer and as-of date by which a message had been clicked or unsubscribed from. #}

with

spine as (

    select
        customer_id,
        as_of_date,
        as_of_at

    from {{ ref('pit_customer__eligible') }}
    where {{ in_build_window('as_of_date') }}

),

-- Few messages are answered: only these are read without a limit on their age.
answers as (

    select
        customer_id,
        clicked_at as known_at,
        clicked_on,
        0 as is_unsubscribed

    from {{ ref('fct_send') }}
    where clicked_at is not null

    union all

    select
        customer_id,
        unsubscribed_at as known_at,
        null as clicked_on,
        1 as is_unsubscribed

    from {{ ref('fct_send') }}
    where unsubscribed_at is not null

)

select
    spine.customer_id,
    spine.as_of_date,
    max(answers.known_at) as newest_known_at,
    {{ days_between('max(answers.clicked_on)', 'spine.as_of_date') }} as days_since_click,
    cast(max(answers.is_unsubscribed) as bigint) as is_unsubscribed

from spine
inner join answers
    on spine.customer_id = answers.customer_id
    and {{ known_as_of('answers', 'spine') }}
group by 1, 2
