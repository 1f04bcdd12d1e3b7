with

sessions as (

    select * from {{ ref('stg_sessions') }}

),

cleaned as (

    select
        session_id,
        customer_id,
        visitor_id,
        started_at,
        cast({{ business_time('started_at') }} as date) as business_date,
        -- A clock that ran backwards says nothing about the time spent.
        case
            when ended_at >= started_at
                then
                    cast({{ dbt.datediff(
                        'started_at', 'ended_at', 'second'
                    ) }} as integer)
        end as duration_seconds,
        device_type,
        traffic_source,
        page_views,
        product_views,
        searches,
        cart_additions,
        checkouts,
        shares

    from sessions

    where quarantine_reason is null

)

select * from cleaned
