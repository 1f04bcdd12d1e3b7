-- Money adds up at each step: staged, clean, and what customers keep of it by then.
with

orders as (

    select * from {{ ref('int_orders') }}

),

staged_orders as (

    select * from {{ ref('stg_orders') }}

),

features as (

    select * from {{ ref('customer_features') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

counted_by_then as (

    select
        orders.customer_id,
        case
            when orders.business_date > as_of.as_of_date then 'later'
            when orders.invalid_since_date <= as_of.as_of_date then 'invalid'
            when orders.customer_id is null then 'guest'
            else 'customer'
        end as bucket,
        orders.net_amount,
        case
            when
                orders.refunded_date > as_of.as_of_date
                and orders.business_date <= as_of.as_of_date
                then orders.refunded_amount
            else 0
        end as later_refund_amount

    from orders

    cross join as_of

),

compared as (

    select
        (
            select
                sum(
                    {{ in_reporting_currency('gross_amount', 'exchange_rate') }}
                    - coalesce(
                        {{ in_reporting_currency('discount_amount', 'exchange_rate') }},
                        0
                    )
                    - coalesce(
                        {{ in_reporting_currency('refunded_amount', 'exchange_rate') }},
                        0
                    )
                )
            from staged_orders
            where quarantine_reason is null
        ) as staged_amount,
        (select sum(net_amount) from orders) as clean_amount,
        (select sum(net_amount) from features) as feature_amount,
        (
            select sum(net_amount + later_refund_amount)
            from counted_by_then
            where bucket = 'customer'
        ) as customer_amount

),

differing as (

    select * from compared

    where
        staged_amount is distinct from clean_amount
        or coalesce(feature_amount, 0) <> coalesce(customer_amount, 0)

)

select * from differing
