with

sessions as (

    {{ rows_to_judge('sessions', 'session_id') }}

),

merged_customers as (

    select * from {{ ref('int_merged_customers') }}

),

cleaned as (

    select
        sessions.row_key as session_id,
        coalesce(merged_customers.merged_into_customer_id, sessions.customer_id)
            as customer_id,
        sessions.visitor_id,
        sessions.started_at,
        cast({{ business_time('sessions.started_at') }} as date) as business_date,
        -- A clock that ran backwards says nothing about the time spent.
        case
            when
                sessions.ended_at >= sessions.started_at
                and sessions.quarantine_reason is null
                then
                    cast({{ dbt.datediff(
                        'sessions.started_at', 'sessions.ended_at', 'second'
                    ) }} as integer)
        end as duration_seconds,
        sessions.device_type,
        sessions.traffic_source,
        sessions.page_views,
        sessions.product_views,
        sessions.searches,
        sessions.cart_additions,
        sessions.checkouts,
        sessions.shares,

        merged_customers.customer_id as given_up_customer_id,
        sessions.loaded_at,
        coalesce(
            sessions.quarantine_reason,
            case when sessions.session_id is null then 'gone' end
        ) as quarantine_reason,
        sessions.judged_with

    from sessions

    left join merged_customers on sessions.customer_id = merged_customers.customer_id

)

select * from cleaned
