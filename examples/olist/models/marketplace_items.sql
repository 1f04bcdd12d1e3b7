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

joined as (

    select
        items.order_id || '/' || items.order_item_id as order_item_id,
        items.order_id,
        items.product_id,
        -- Two categories have no translation.
        coalesce(
            translations.product_category_name_english, products.product_category_name
        ) as category,
        cast(items.price as decimal(18, 2)) as price

    from items

    left join products on items.product_id = products.product_id

    left join translations
        on products.product_category_name = translations.product_category_name

)

select * from joined
