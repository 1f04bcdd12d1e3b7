with

items as (

    select * from {{ olist_file('olist_order_items_dataset') }}

),

products as (

    select * from {{ olist_file('olist_products_dataset') }}

),

translations as (

    select * from {{ olist_file('product_category_name_translation') }}

),

categorised as (

    select
        items.order_id,
        -- Two categories have no translation.
        coalesce(
            translations.product_category_name_english, products.product_category_name
        ) as category,
        cast(items.price as decimal(18, 2)) as price

    from items

    left join products on items.product_id = products.product_id

    left join translations
        on products.product_category_name = translations.product_category_name

),

aggregated_to_category as (

    select
        order_id,
        category,

        count(*) as item_count,
        sum(price) as price

    from categorised

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
