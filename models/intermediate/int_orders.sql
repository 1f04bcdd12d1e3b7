with

judged_orders as (

    select * from {{ ref('int_judged_orders') }}

),

accepted as (

    select
        order_id,
        customer_id,
        ordered_at,
        business_date,
        business_hour,
        is_credit_note,
        invalid_reason,
        invalid_since_date,
        exchange_rate,
        gross_amount,
        discount_amount,
        order_amount,
        refunded_amount,
        refunded_date,
        net_amount,
        item_count,
        category,
        sales_channel,
        payment_method,
        has_coupon,
        is_gift

    from judged_orders

    where quarantine_reason is null

)

select * from accepted
