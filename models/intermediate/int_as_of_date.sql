with

orders as (

    select * from {{ ref('int_orders') }}

),

sessions as (

    select * from {{ ref('int_sessions') }}

),

first_and_last as (

    select
        max(business_date) as last_date,
        cast(null as date) as first_session_date,
        min(case when discount_amount is not null or has_coupon then business_date end)
            as first_discount_date,
        min(case when is_gift is not null then business_date end) as first_gift_date

    from orders

    union all

    select
        max(business_date) as last_date,
        min(business_date) as first_session_date,
        cast(null as date) as first_discount_date,
        cast(null as date) as first_gift_date

    from sessions

),

-- The last day in the data may be half a day. Without events every day gives the same.
chosen as (

    select
        coalesce(
            {{ as_of_date_var() }},
            cast(max(last_date) - interval '1 day' as date),
            cast('1990-01-01' as date)
        ) as as_of_date,
        max(first_session_date) as first_session_date,
        max(first_discount_date) as first_discount_date,
        max(first_gift_date) as first_gift_date

    from first_and_last

),

known_by_then as (

    select
        as_of_date,
        coalesce(first_session_date <= as_of_date, false) as has_sessions,
        coalesce(first_discount_date <= as_of_date, false) as has_discounts,
        coalesce(first_gift_date <= as_of_date, false) as has_gifts

    from chosen

)

select * from known_by_then
