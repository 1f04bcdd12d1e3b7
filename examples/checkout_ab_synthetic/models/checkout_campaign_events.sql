with

sessions as (

    select * from {{ ref('checkout_sessions') }}

),

orders as (

    select * from {{ ref('checkout_orders') }}

),

distinct_sessions as (

    select distinct
        session_id,
        campaign_id,
        channel

    from sessions

),

-- What a guest does is no customer's answer to a campaign.
clicked_and_converted as (

    select
        session_id as campaign_event_id,
        user_id,
        campaign_id,
        channel,
        'clicked' as event_type,
        session_start_ts as occurred_at

    from sessions

    where user_id is not null

    union all

    select
        orders.order_id as campaign_event_id,
        orders.user_id,
        distinct_sessions.campaign_id,
        distinct_sessions.channel,
        'converted' as event_type,
        orders.order_ts as occurred_at

    from orders

    inner join distinct_sessions on orders.session_id = distinct_sessions.session_id

    where orders.user_id is not null

)

select * from clicked_and_converted
