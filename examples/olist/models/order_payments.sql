with

payments as (

    select * from {{ olist_file('olist_order_payments_dataset') }}

),

aggregated_to_method as (

    select
        order_id,
        nullif(payment_type, 'not_defined') as payment_method,

        sum(cast(payment_value as decimal(18, 2))) as paid_amount

    from payments

    group by order_id, payment_type

),

ranked as (

    select
        *,

        sum(paid_amount) over (partition by order_id) as order_paid_amount,
        row_number() over (
            partition by order_id
            order by paid_amount desc, payment_method asc nulls last
        ) as method_rank

    from aggregated_to_method

),

reduced_to_order as (

    select
        order_id,
        cast(order_paid_amount as decimal(18, 2)) as paid_amount,
        payment_method

    from ranked

    where method_rank = 1

)

select * from reduced_to_order
