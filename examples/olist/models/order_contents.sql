with

items as (

    select * from {{ ref('marketplace_items') }}

),

aggregated_to_category as (

    select
        order_id,
        category,

        count(*) as item_count,
        sum(price) as price

    from items

    group by order_id, category

),

ranked as (

    select
        *,

        sum(item_count) over (partition by order_id) as order_item_count,
        -- A category that is known comes before one that is not.
        row_number() over (
            partition by order_id
            order by category is null asc, price desc, category asc nulls last
        ) as category_rank

    from aggregated_to_category

),

reduced_to_order as (

    select
        order_id,
        cast(order_item_count as integer) as item_count,
        category

    from ranked

    where category_rank = 1

)

select * from reduced_to_order
