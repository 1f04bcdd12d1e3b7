with

orders as (

    select * from {{ olist_file('olist_orders_dataset') }}

),

customers as (

    select * from {{ olist_file('olist_customers_dataset') }}

),

payments as (

    select * from {{ ref('order_payments') }}

),

contents as (

    select * from {{ ref('order_contents') }}

),

joined as (

    select
        orders.order_id,
        customers.customer_unique_id as person_id,
        orders.order_purchase_timestamp as ordered_at,
        orders.order_delivered_customer_date as delivered_at,
        -- What the seller could not deliver is no order either.
        case
            when orders.order_status in ('canceled', 'unavailable') then 'cancelled'
            else orders.order_status
        end as status,
        payments.paid_amount,
        payments.payment_method,
        contents.item_count,
        contents.category,
        customers.customer_city as city,
        customers.customer_state as state

    from orders

    inner join customers on orders.customer_id = customers.customer_id

    left join payments on orders.order_id = payments.order_id

    left join contents on orders.order_id = contents.order_id

)

select * from joined
