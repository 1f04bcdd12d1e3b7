with

items as (

    select * from {{ ref('stg_order_items') }}

),

orders as (

    select * from {{ ref('int_known_orders') }}

),

lines as (

    select
        orders.customer_id,
        orders.ordered_at,
        items.category,
        coalesce(items.quantity, 1) as piece_count,
        {{ in_reporting_currency('items.unit_price', 'orders.exchange_rate') }}
            as unit_price

    from items

    inner join orders on items.order_id = orders.order_id

    where items.quarantine_reason is null and orders.is_order

),

by_category as (

    select
        customer_id,
        category,

        max(ordered_at) as last_ordered_at,
        sum(piece_count) as piece_count,
        sum(case when unit_price is not null then piece_count end)
            as priced_piece_count,
        cast(sum(piece_count * unit_price) as decimal(18, 2)) as priced_amount

    from lines

    group by customer_id, category

),

-- What a piece of the category costs on average, over all customers.
categories as (

    select
        category,

        {{ ratio('sum(priced_amount)', 'sum(priced_piece_count)', digits=2) }}
            as average_price

    from by_category

    group by category

),

priced as (

    select
        by_category.*,
        categories.average_price,
        case when by_category.category is not null then by_category.piece_count end
            as category_piece_count,
        -- A tie goes to what was ordered last.
        row_number() over (
            partition by by_category.customer_id
            order by
                case when by_category.category is not null then 0 else 1 end asc,
                by_category.piece_count desc,
                by_category.last_ordered_at desc,
                {{ text_order('by_category.category') }} asc
        ) as preference

    from by_category

    left join categories on by_category.category = categories.category

),

aggregated as (

    select
        customer_id,

        count(category) as item_category_count,
        max(case when preference = 1 then category end) as preferred_item_category,
        {{ share(
            'max(case when preference = 1 then category_piece_count end)',
            'sum(category_piece_count)'
        ) }}
            as preferred_item_category_share,
        {{ ratio(
            'sum(case when category is not null then priced_amount end)',
            'sum(priced_piece_count * average_price)'
        ) }}
            as price_level

    from priced

    group by customer_id

)

select * from aggregated
