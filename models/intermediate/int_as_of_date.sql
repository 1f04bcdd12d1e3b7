with

orders as (

    select * from {{ ref('int_orders') }}

),

sessions as (

    select * from {{ ref('int_sessions') }}

),

event_days as (

    select
        max(business_date) as last_date,
        cast(null as date) as first_session_date

    from orders

    union all

    select
        max(business_date) as last_date,
        min(business_date) as first_session_date

    from sessions

),

-- The last day in the data may be half a day. Without any event every day gives the same.
chosen as (

    select
        coalesce(
            {{ as_of_date_var() }},
            cast(max(last_date) - interval '1 day' as date),
            cast('1990-01-01' as date)
        ) as as_of_date,
        max(first_session_date) as first_session_date

    from event_days

),

known as (

    select
        as_of_date,
        coalesce(first_session_date <= as_of_date, false) as has_sessions

    from chosen

)

select * from known
