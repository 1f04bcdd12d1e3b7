with

raw_consents as (

    {{ raw_versions('consents', key='consent_id', conflict_on='customer_id') }}

),

customers as (

    select * from {{ ref('stg_customers') }}

),

merged_customers as (

    select * from {{ ref('int_merged_customers') }}

),

typed as (

    select
        {{ clean_text('consent_id') }} as consent_id,
        {{ clean_text('customer_id') }} as customer_id,
        lower({{ clean_text('channel') }}) as channel,
        lower({{ clean_text('purpose') }}) as purpose,
        lower({{ clean_text('status') }}) as status,
        {{ cast_or_null('recorded_at', 'timestamp') }} as recorded_at,

        case
            when
                {{ any_unparsable(['recorded_at'], 'timestamp') }}
                then 'unparsable_date'
        end as parse_error,
        version_issue

    from raw_consents

),

checked as (

    select
        typed.*,

        case
            when typed.consent_id is null then 'missing_key'
            when typed.version_issue is not null then typed.version_issue
            when typed.parse_error is not null then typed.parse_error
            when typed.status not in ('granted', 'withdrawn') then 'unparsable_value'
            when typed.recorded_at is null then 'missing_date'
            when
                typed.customer_id is null
                or typed.channel is null
                or typed.status is null
                then 'missing_value'
            -- The zero dates of spreadsheets, Unix and FAT all lie before.
            when typed.recorded_at < cast('1990-01-01' as timestamp) then 'date_too_old'
            when typed.recorded_at > {{ run_started_at_utc() }} then 'date_in_future'
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
        consent_id,
        customer_id,
        channel,
        purpose,
        status,
        recorded_at,
        quarantine_reason

    from checked

)

select * from judged
