with

usages as (

    select * from {{ ravenstack_file('feature_usage') }}

),

subscriptions as (

    select * from {{ ref('ravenstack_subscriptions') }}

),

attributed as (

    select
        -- 21 ids are there twice, for other uses of other subscriptions.
        usages.usage_id || '/' || usages.subscription_id as usage_id,
        subscriptions.account_id,
        {{ day_first('usages.usage_date') }} as used_at,
        usages.feature_name as feature,
        usages.usage_count,
        usages.usage_duration_secs as duration_seconds

    from usages

    left join subscriptions on usages.subscription_id = subscriptions.subscription_id

)

select * from attributed
