with

judged_sessions as (

    select * from {{ ref('int_judged_sessions') }}

),

accepted as (

    select
        session_id,
        customer_id,
        visitor_id,
        started_at,
        business_date,
        duration_seconds,
        device_type,
        traffic_source,
        page_views,
        product_views,
        searches,
        cart_additions,
        checkouts,
        shares

    from judged_sessions

    where quarantine_reason is null

)

select * from accepted
