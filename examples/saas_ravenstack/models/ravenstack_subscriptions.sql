with

subscriptions as (

    select * from {{ ravenstack_file('subscriptions') }}

),

renamed as (

    select
        subscription_id,
        account_id,
        plan_tier as plan,
        {{ day_first('start_date') }} as started_at,
        {{ day_first('end_date') }} as ended_at,
        seats,
        mrr_amount as monthly_amount,
        is_trial

    from subscriptions

)

select * from renamed
