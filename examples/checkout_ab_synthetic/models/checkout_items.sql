with

items as (

    select *

    from
        read_csv(
            '{{ env_var("SEGMENTATION_DATA_PATH", "../../../shared/data") }}'
            || '/checkout_ab_synthetic/order_items.csv',
            header = true, all_varchar = true, delim = ',', quote = '"', escape = '"',
            comment = '', skip = 0
        )

),

products as (

    select *

    from
        read_json(
            '{{ env_var("SEGMENTATION_DATA_PATH", "../../../shared/data") }}'
            || '/checkout_ab_synthetic/products.json',
            columns = { product_id: 'varchar', category: 'varchar' }
        )

),

joined as (

    select
        -- No product is in an order twice.
        items.order_id || '/' || items.product_id as order_item_id,
        items.order_id,
        items.product_id,
        products.category,
        items.quantity,
        items.unit_price

    from items

    left join products on items.product_id = products.product_id

)

select * from joined
