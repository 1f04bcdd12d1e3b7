with

orders as (

    select * from {{ ref('int_orders') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

known_by_then as (

    select
        orders.customer_id,
        orders.order_id,
        orders.ordered_at,
        orders.business_date,
        orders.business_hour,
        cast(extract(month from orders.business_date) as integer) as month_number,
        cast({{ iso_weekday('orders.business_date') }} as integer) as weekday_number,
        cast({{ dbt.datediff(
            'orders.business_date', 'as_of.as_of_date', 'day'
        ) }} as integer)
            as age_days,
        not orders.is_credit_note as is_order,
        orders.exchange_rate,
        orders.gross_amount,
        orders.discount_amount,
        orders.order_amount,
        cast(
            case
                when orders.refunded_date <= as_of.as_of_date
                    then orders.refunded_amount
                else 0
            end as decimal(18, 2)
        ) as refunded_amount,
        cast({{ dbt.datediff(
            'orders.refunded_date', 'as_of.as_of_date', 'day'
        ) }} as integer)
            as refund_age_days,
        orders.item_count,
        orders.category,
        orders.sales_channel,
        orders.payment_method,
        orders.has_coupon,
        orders.is_gift

    from orders

    cross join as_of

    where
        orders.customer_id is not null
        and orders.business_date <= as_of.as_of_date
        and (
            orders.invalid_since_date is null
            or orders.invalid_since_date > as_of.as_of_date
        )

)

select * from known_by_then
