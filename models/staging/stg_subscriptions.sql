with

raw_subscriptions as (

    {{ raw_versions(
        'subscriptions',
        key='subscription_id',
        latest_by=['updated_at'],
        conflict_on='customer_id'
    ) }}

),

customers as (

    select * from {{ ref('stg_customers') }}

),

merged_customers as (

    select * from {{ ref('int_merged_customers') }}

),

typed as (

    select
        {{ clean_text('subscription_id') }} as subscription_id,
        {{ clean_text('customer_id') }} as customer_id,
        lower({{ clean_text('plan') }}) as plan,
        {{ cast_or_null('started_at', 'timestamp') }} as started_at,
        {{ cast_or_null('ended_at', 'timestamp') }} as ended_at,
        {{ cast_or_null('seats', 'integer') }} as seats,
        {{ cast_or_null('monthly_amount', 'decimal(18, 2)') }} as monthly_amount,
        {{ cast_or_null('is_trial', 'boolean') }} as is_trial,
        {{ cast_or_null('updated_at', 'timestamp') }} as updated_at,

        case
            when
                {{ any_unparsable([
                    'started_at', 'ended_at', 'updated_at'
                ], 'timestamp') }}
                then 'unparsable_date'
            when
                {{ any_unparsable(['monthly_amount'], 'decimal(18, 2)') }}
                then 'unparsable_amount'
            when
                {{ any_unparsable(['seats'], 'integer') }}
                or {{ any_unparsable(['is_trial'], 'boolean') }}
                then 'unparsable_value'
        end as parse_error,
        version_issue

    from raw_subscriptions

),

checked as (

    select
        typed.*,

        case
            when typed.subscription_id is null then 'missing_key'
            when typed.version_issue is not null then typed.version_issue
            when typed.parse_error is not null then typed.parse_error
            when typed.started_at is null then 'missing_date'
            when typed.customer_id is null then 'missing_value'
            -- The zero dates of spreadsheets, Unix and FAT all lie before.
            when typed.started_at < cast('1990-01-01' as timestamp) then 'date_too_old'
            when typed.started_at > {{ run_started_at_utc() }} then 'date_in_future'
            when
                typed.seats < 0
                or typed.monthly_amount < 0
                or typed.monthly_amount >= 1000000000
                then 'value_out_of_range'
            when customers.customer_id is null and merged_customers.customer_id is null
                then 'orphan'
        end as quarantine_reason

    from typed

    left join customers
        on
            typed.customer_id = customers.customer_id
            and customers.quarantine_reason is null

    left join merged_customers
        on typed.customer_id = merged_customers.customer_id

),

judged as (

    select
        subscription_id,
        customer_id,
        plan,
        started_at,
        ended_at,
        seats,
        monthly_amount,
        is_trial,
        updated_at,
        quarantine_reason

    from checked

)

select * from judged
