{# One row per landed order line. Instants are UTC; amounts in shop currency. #}

with

order_lines as (

    select
        *,
        -- No source knows a sale before it happens; an export with an earlier known_at has a clock fault.
        greatest(coalesce(known_at, ordered_at), ordered_at) as learned_at

    from {{ source('raw', 'order_lines') }}

),

-- An order that names one customer on some of its lines, in whichever file, is that customer's as a whole:
-- loading has given the orders of several customers that share a number different ids.
customers as (

    select
        order_id,
        min(customer_id) as customer_id,
        min(learned_at) as learned_at

    from order_lines
    where customer_id is not null
    group by 1
    having min(customer_id) = max(customer_id)

),

-- A line that got its customer from another is known no earlier than that one; greatest ignores nulls.
named_lines as (

    select
        order_lines.* replace (
            coalesce(order_lines.customer_id, customers.customer_id) as customer_id,
            greatest(order_lines.learned_at, customers.learned_at) as learned_at
        )

    from order_lines
    left join customers
        on order_lines.customer_id is null
        and order_lines.order_id = customers.order_id

)

select
    source,
    source_file,
    source_line,
    order_id,
    customer_id,
    product_id,
    product_title,
    quantity,
    unit_price,
    coalesce(discount_amount, 0) as discount_amount,
    -- The sign follows the quantity: what goes back to the customer is negative.
    {{ exact('quantity * unit_price - coalesce(discount_amount, 0)') }} as net_amount,
    currency,
    country,
    channel,
    -- A price below 0 lowers its order, or raises it where the discount is taken back: money, and no product.
    -- Where the export says that the line is a return, it is one, whichever of the two signs says so.
    unit_price < 0 and not coalesce(is_service, false) and (quantity < 0 or not coalesce(is_return, false))
        as is_discount,
    coalesce(is_return, quantity < 0) and not is_discount as is_return,
    not coalesce(is_service, false) and not is_discount as is_product,
    ordered_at as occurred_at,
    {{ local_date('ordered_at') }} as occurred_on,
    learned_at as known_at

from named_lines
