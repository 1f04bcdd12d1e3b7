with

subscriptions as (

    select * from {{ ref('ravenstack_subscriptions') }}

),

churn_events as (

    select * from {{ ravenstack_file('churn_events') }}

),

bought_and_refunded as (

    select
        subscription_id as order_id,
        account_id,
        started_at as ordered_at,
        'completed' as status,
        cast(monthly_amount as decimal(18, 2)) as amount,
        seats,
        plan

    from subscriptions

    where is_trial = 'FALSE'

    union all

    -- A refund names the account, not the subscription.
    select
        churn_event_id as order_id,
        account_id,
        {{ day_first('churn_date') }} as ordered_at,
        'credit_note' as status,
        -cast(refund_amount_usd as decimal(18, 2)) as amount,
        cast(null as varchar) as seats,
        cast(null as varchar) as plan

    from churn_events

    where cast(refund_amount_usd as decimal(18, 2)) > 0

)

select * from bought_and_refunded
