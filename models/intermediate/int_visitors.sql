with

sessions as (

    select * from {{ ref('int_sessions') }}

),

logins as (

    select
        visitor_id,
        customer_id,
        min(started_at) as first_login_at,
        min(business_date) as first_login_date

    from sessions

    where visitor_id is not null and customer_id is not null

    group by visitor_id, customer_id

),

ranked as (

    select
        *,

        row_number() over (
            partition by visitor_id
            order by first_login_at asc, {{ text_order('customer_id') }} asc
        ) as login_number

    from logins

),

-- The first login, unlike the latest, never changes with later data.
identified as (

    select
        visitor_id,
        customer_id,
        first_login_date

    from ranked

    where login_number = 1

)

select * from identified
