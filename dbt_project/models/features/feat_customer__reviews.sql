{# One row per customer and as-of date by which customers had written reviews at all. #}

with

spine as (

    select
        customer_id,
        as_of_date,
        as_of_at

    from {{ ref('pit_customer__eligible') }}
    where {{ in_build_window('as_of_date') }}

),

reviews as (

    select
        review_id,
        customer_id,
        rating,
        written_at as known_at,
        written_on as occurred_on

    from {{ ref('fct_review') }}
    where customer_id is not null

),

reviewing as (

    select min(known_at) as known_at from reviews

),

known as (

    select
        spine.customer_id,
        spine.as_of_date,
        max(reviews.known_at) as newest_known_at,
        count(*) filter (where {{ known_as_of('reviews', 'spine', days=365) }}) as reviews_365d,
        avg({{ exact('reviews.rating') }}) filter (
            where {{ known_as_of('reviews', 'spine', days=365) }}
        ) as rating_mean_365d,
        max_by(reviews.rating, (reviews.known_at, reviews.review_id)) filter (
            where reviews.rating is not null
        ) as rating_last,
        {{ days_between('max(reviews.occurred_on)', 'spine.as_of_date') }} as days_since_review

    from spine
    inner join reviews
        on spine.customer_id = reviews.customer_id
        and {{ known_as_of('reviews', 'spine') }}
    group by 1, 2

)

select
    spine.customer_id,
    spine.as_of_date,
    spine.as_of_at,
    known.newest_known_at,
    coalesce(known.reviews_365d, 0) as reviews_365d,
    known.rating_mean_365d,
    known.rating_last,
    known.days_since_review

from spine
inner join reviewing on {{ known_as_of('reviewing', 'spine') }}
left join known on spine.customer_id = known.customer_id and spine.as_of_date = known.as_of_date
