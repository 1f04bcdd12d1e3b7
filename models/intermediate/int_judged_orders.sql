{#- Null for a refused order, whose amounts may be too large for their type. The cast
    keeps the scale, which a case drops on Postgres. -#}
{%- set exchange_rate = (
    "cast(case when orders.quarantine_reason is null then orders.exchange_rate end"
    ~ " as decimal(18, 8))"
) -%}
with

orders as (

    {{ rows_to_judge('orders', 'order_id') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

merged_customers as (

    select * from {{ ref('int_merged_customers') }}

),

converted as (

    select
        orders.row_key as order_id,
        coalesce(merged_customers.merged_into_customer_id, orders.customer_id)
            as customer_id,
        merged_customers.customer_id as given_up_customer_id,
        orders.ordered_at,
        orders.status,
        orders.currency,
        {{ exchange_rate }} as exchange_rate,
        {% for amount in ['gross_amount', 'discount_amount', 'refunded_amount'] %}
        {{ in_reporting_currency('orders.' ~ amount, exchange_rate) }}
            as {{ amount }},
        {% endfor %}
        orders.refunded_at,
        orders.cancelled_at,
        orders.item_count,
        orders.category,
        orders.sales_channel,
        orders.payment_method,
        orders.coupon_code,
        orders.is_gift,
        orders.loaded_at,
        coalesce(
            orders.quarantine_reason, case when orders.order_id is null then 'gone' end
        ) as quarantine_reason,
        orders.judged_with

    from orders

    left join merged_customers on orders.customer_id = merged_customers.customer_id

),

dated as (

    select
        order_id,
        customer_id,
        given_up_customer_id,
        ordered_at,
        cast({{ business_time('ordered_at') }} as date) as business_date,
        cast(extract(hour from {{ business_time('ordered_at') }}) as integer)
            as business_hour,
        cast({{ business_time('refunded_at') }} as date) as refunded_date,
        cast({{ business_time('cancelled_at') }} as date) as cancelled_date,
        coalesce(status, '') = 'credit_note' as is_credit_note,
        cancelled_at is not null
        or status in ('cancelled', 'canceled', 'void', 'voided', 'failed')
            as is_cancelled,
        currency,
        exchange_rate,
        cast(greatest(gross_amount, 0) as decimal(18, 2)) as gross_amount,
        discount_amount,
        coalesce(refunded_amount, 0) + greatest(-gross_amount, 0) as refunded_amount,
        item_count,
        category,
        sales_channel,
        payment_method,
        coupon_code is not null as has_coupon,
        is_gift,
        loaded_at,
        quarantine_reason,
        judged_with

    from converted

),

judged as (

    select
        dated.order_id,
        dated.customer_id,
        dated.ordered_at,
        dated.business_date,
        dated.business_hour,
        dated.is_credit_note,

        case
            when customers.is_test_account then 'test_account'
            when dated.is_cancelled then 'cancelled'
        end as invalid_reason,
        -- A cancellation happens on its day: until then the order was valid.
        case
            when customers.is_test_account then dated.business_date
            when dated.is_cancelled
                then coalesce(dated.cancelled_date, dated.business_date)
        end as invalid_since_date,

        dated.exchange_rate,
        dated.gross_amount,
        dated.discount_amount,
        cast(
            dated.gross_amount - coalesce(dated.discount_amount, 0) as decimal(18, 2)
        ) as order_amount,
        cast(dated.refunded_amount as decimal(18, 2)) as refunded_amount,
        case
            when dated.refunded_amount > 0
                then coalesce(dated.refunded_date, dated.business_date)
        end as refunded_date,
        cast(
            dated.gross_amount
            - coalesce(dated.discount_amount, 0)
            - dated.refunded_amount as decimal(18, 2)
        ) as net_amount,

        dated.item_count,
        dated.category,
        dated.sales_channel,
        dated.payment_method,
        dated.has_coupon,
        dated.is_gift,

        dated.given_up_customer_id,
        dated.currency,
        dated.loaded_at,
        dated.quarantine_reason,
        dated.judged_with

    from dated

    left join customers on dated.customer_id = customers.customer_id

)

select * from judged
