with

sessions as (

    select * from {{ ref('stg_sessions') }}

),

clean_sessions as (

    select
        session_id,
        customer_id,
        visitor_id,
        started_at,
        cast({{ business_time('started_at') }} as date) as business_date,
        -- A clock that ran backwards says nothing about the time spent.
        case
            when ended_at >= started_at
                then {{ dbt.datediff('started_at', 'ended_at', 'second') }}
        end as duration_seconds,
        device_type,
        traffic_source,
        page_views,
        product_views,
        searches,
        cart_additions,
        checkouts

    from sessions

    where quarantine_reason is null

),

logins as (

    select
        visitor_id,
        customer_id,
        min(started_at) as first_login_at,
        min(business_date) as first_login_date

    from clean_sessions

    where visitor_id is not null and customer_id is not null

    group by visitor_id, customer_id

),

ranked_logins as (

    select
        *,

        row_number() over (
            partition by visitor_id
            order by first_login_at asc, {{ text_order('customer_id') }} asc
        ) as login_number

    from logins

),

-- The first login, unlike the latest, never changes with later data.
attributed as (

    select
        clean_sessions.session_id,
        coalesce(clean_sessions.customer_id, ranked_logins.customer_id) as customer_id,
        clean_sessions.started_at,
        clean_sessions.business_date,
        -- Until the visitor logs in, nobody knows whose session it was.
        case
            when clean_sessions.customer_id is not null
                then clean_sessions.business_date
            when ranked_logins.customer_id is not null
                then
                    greatest(
                        clean_sessions.business_date, ranked_logins.first_login_date
                    )
        end as attributed_date,
        clean_sessions.duration_seconds,
        clean_sessions.device_type,
        clean_sessions.traffic_source,
        clean_sessions.page_views,
        clean_sessions.product_views,
        clean_sessions.searches,
        clean_sessions.cart_additions,
        clean_sessions.checkouts

    from clean_sessions

    left join ranked_logins
        on
            clean_sessions.visitor_id = ranked_logins.visitor_id
            and ranked_logins.login_number = 1

)

select * from attributed
