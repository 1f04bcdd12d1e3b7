with

raw_product_usage as (

    {{ raw_versions('product_usage', key='usage_id', conflict_on='customer_id') }}

),

customers as (

    select * from {{ ref('stg_customers') }}

),

merged_customers as (

    select * from {{ ref('int_merged_customers') }}

),

typed as (

    select
        {{ clean_text('usage_id') }} as usage_id,
        {{ clean_text('customer_id') }} as customer_id,
        {{ cast_or_null('used_at', 'timestamp') }} as used_at,
        lower({{ clean_text('feature') }}) as feature,
        {{ cast_or_null('usage_count', 'integer') }} as usage_count,
        {{ cast_or_null('duration_seconds', 'integer') }} as duration_seconds,

        case
            when
                {{ any_unparsable(['used_at'], 'timestamp') }}
                then 'unparsable_date'
            when
                {{ any_unparsable([
                    'usage_count', 'duration_seconds'
                ], 'integer') }}
                then 'unparsable_value'
        end as parse_error,
        version_issue

    from raw_product_usage

),

checked as (

    select
        typed.*,

        case
            when typed.usage_id is null then 'missing_key'
            when typed.version_issue is not null then typed.version_issue
            when typed.parse_error is not null then typed.parse_error
            when typed.used_at is null then 'missing_date'
            when typed.customer_id is null then 'missing_value'
            -- The zero dates of spreadsheets, Unix and FAT all lie before.
            when typed.used_at < cast('1990-01-01' as timestamp) then 'date_too_old'
            when typed.used_at > {{ run_started_at_utc() }} then 'date_in_future'
            when typed.usage_count < 0 or typed.duration_seconds < 0
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
        usage_id,
        customer_id,
        used_at,
        feature,
        usage_count,
        duration_seconds,
        quarantine_reason

    from checked

)

select * from judged
