{# One row per product sold or listed; without master data its title is the orders' most frequent one. #}

with

products as (

    select * from {{ ref('stg_shop__products') }}

),

titles as (

    select
        product_id,
        product_title,
        count(*) as uses

    from {{ ref('stg_shop__order_lines') }}
    where is_product
    group by 1, 2

),

sold as (

    select
        product_id,
        -- Ties go to the first in the alphabet, so that a rebuild names it the same.
        min_by(product_title, (-uses, product_title)) filter (where product_title is not null) as title,
        cast(sum(uses) as bigint) as order_lines

    from titles
    group by 1

)

select
    coalesce(products.product_id, sold.product_id) as product_id,
    coalesce(products.title, sold.title) as title,
    products.description,
    products.category,
    products.unit_cost,
    products.launched_at,
    products.in_stock,
    products.product_id is not null as is_listed,
    coalesce(sold.order_lines, 0) as order_lines

from products
full outer join sold on products.product_id = sold.product_id
