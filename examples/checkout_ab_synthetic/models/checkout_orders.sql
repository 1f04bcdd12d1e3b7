with

orders as (

    select
        order_id,
        session_id,
        user_id,
        order_ts,
        gross_amount,
        discount_amount,
        shipping_amount,
        net_amount,
        payment_method

    from
        read_csv(
            '{{ env_var("SEGMENTATION_DATA_PATH", "../../../shared/data") }}'
            || '/checkout_ab_synthetic/orders.csv',
            header = true, all_varchar = true, delim = ',', quote = '"', escape = '"',
            comment = '', skip = 0
        )

)

select * from orders
