with

accounts as (

    select * from {{ ravenstack_file('accounts') }}

),

renamed as (

    select
        account_id,
        industry,
        -- The one country that is no ISO code.
        case when country = 'UK' then 'GB' else country end as country_code,
        {{ day_first('signup_date') }} as signed_up_at,
        referral_source,
        churn_flag

    from accounts

)

select * from renamed
