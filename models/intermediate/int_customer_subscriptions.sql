with

subscriptions as (

    {{ known_events(
        'stg_subscriptions',
        'started_at',
        ['subscription_id', 'plan', 'ended_at', 'seats', 'monthly_amount', 'is_trial']
    ) }}

),

dated as (

    select
        *,
        cast({{ business_time('ended_at') }} as date) as ended_date

    from subscriptions

),

-- It has ended on the day of its end; an end that is to come has not happened yet.
judged as (

    select
        *,
        ended_date is null or ended_date > as_of_date as is_active,
        cast({{ dbt.datediff(
            'ended_date', 'as_of_date', 'day'
        ) }} as integer)
            as end_age_days

    from dated

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, is_active
            order by
                monthly_amount desc nulls last,
                started_at desc,
                {{ text_order('subscription_id') }} asc
        ) as worth_number

    from judged

),

aggregated as (

    select
        customer_id,

        count(*) as subscription_count,
        count(*) filter (where is_active) as active_subscription_count,
        max(case when is_active and worth_number = 1 then plan end)
            as subscription_plan,
        cast(coalesce(sum(case when is_active then seats end), 0) as bigint)
            as seat_count,
        cast(
            coalesce(sum(case when is_active then monthly_amount end), 0)
            as decimal(18, 2)
        ) as monthly_recurring_amount,
        coalesce(
            bool_and(case when is_active then coalesce(is_trial, false) end), false
        ) as is_on_trial,
        max(age_days) as days_since_subscription_start,
        case when not bool_or(is_active) then min(end_age_days) end
            as days_since_subscription_end

    from ranked

    group by customer_id

)

select * from aggregated
