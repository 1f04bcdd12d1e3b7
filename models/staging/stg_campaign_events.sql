with

raw_campaign_events as (

    {{ raw_versions(
        'campaign_events',
        key='campaign_event_id',
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
        {{ clean_text('campaign_event_id') }} as campaign_event_id,
        {{ clean_text('customer_id') }} as customer_id,
        {{ clean_text('campaign') }} as campaign,
        lower({{ clean_text('channel') }}) as channel,
        lower({{ clean_text('event_type') }}) as event_type,
        {{ cast_or_null('occurred_at', 'timestamp') }} as occurred_at,

        case
            when
                {{ any_unparsable(['occurred_at'], 'timestamp') }}
                then 'unparsable_date'
        end as parse_error,
        version_issue

    from raw_campaign_events

),

checked as (

    select
        typed.*,

        case
            when typed.campaign_event_id is null then 'missing_key'
            when typed.version_issue is not null then typed.version_issue
            when typed.parse_error is not null then typed.parse_error
            when
                typed.event_type not in ('sent', 'opened', 'clicked')
                and typed.event_type not in ('converted', 'unsubscribed', 'complained')
                then 'unparsable_value'
            when typed.occurred_at is null then 'missing_date'
            when typed.customer_id is null or typed.event_type is null
                then 'missing_value'
            -- The zero dates of spreadsheets, Unix and FAT all lie before.
            when typed.occurred_at < cast('1990-01-01' as timestamp) then 'date_too_old'
            when typed.occurred_at > {{ run_started_at_utc() }} then 'date_in_future'
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
        campaign_event_id,
        customer_id,
        campaign,
        channel,
        event_type,
        occurred_at,
        quarantine_reason

    from checked

)

select * from judged
