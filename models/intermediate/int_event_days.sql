with

orders as (

    select * from {{ ref('int_orders') }}

),

sessions as (

    select * from {{ ref('int_sessions') }}

),

-- Each on the day from which on it counts.
changes as (

    select
        business_date as event_date,
        1 as order_count,
        order_amount,
        0 as refunded_amount,
        0 as cancelled_count,
        0 as session_count

    from orders

    union all

    select
        refunded_date as event_date,
        0 as order_count,
        0 as order_amount,
        refunded_amount,
        0 as cancelled_count,
        0 as session_count

    from orders

    where refunded_date is not null

    union all

    select
        invalid_since_date as event_date,
        0 as order_count,
        0 as order_amount,
        0 as refunded_amount,
        1 as cancelled_count,
        0 as session_count

    from orders

    where invalid_since_date is not null

    union all

    select
        business_date as event_date,
        0 as order_count,
        0 as order_amount,
        0 as refunded_amount,
        0 as cancelled_count,
        1 as session_count

    from sessions

),

summed as (

    select
        event_date,

        cast(sum(order_count) as bigint) as order_count,
        cast(sum(order_amount) as decimal(18, 2)) as order_amount,
        cast(sum(refunded_amount) as decimal(18, 2)) as refunded_amount,
        cast(sum(cancelled_count) as bigint) as cancelled_count,
        cast(sum(session_count) as bigint) as session_count

    from changes

    group by event_date

)

select * from summed
