with

raw_feedback as (

    {{ raw_versions(
        'feedback',
        key='feedback_id',
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
        {{ clean_text('feedback_id') }} as feedback_id,
        {{ clean_text('customer_id') }} as customer_id,
        {{ clean_text('order_id') }} as order_id,
        lower({{ clean_text('feedback_type') }}) as feedback_type,
        {{ cast_or_null('submitted_at', 'timestamp') }} as submitted_at,
        {{ cast_or_null('score', 'integer') }} as score,
        {{ cast_or_null('wait_hours', 'decimal(18, 2)') }} as wait_hours,
        {{ cast_or_null('resolved_at', 'timestamp') }} as resolved_at,
        {{ cast_or_null('updated_at', 'timestamp') }} as updated_at,

        case
            when
                {{ any_unparsable([
                    'submitted_at', 'resolved_at', 'updated_at'
                ], 'timestamp') }}
                then 'unparsable_date'
            when
                {{ any_unparsable(['score'], 'integer') }}
                or {{ any_unparsable(['wait_hours'], 'decimal(18, 2)') }}
                then 'unparsable_value'
        end as parse_error,
        version_issue

    from raw_feedback

),

checked as (

    select
        typed.*,

        case
            when typed.feedback_id is null then 'missing_key'
            when typed.version_issue is not null then typed.version_issue
            when typed.parse_error is not null then typed.parse_error
            when
                typed.feedback_type not in ('nps', 'csat', 'review')
                and typed.feedback_type not in ('complaint', 'support_ticket')
                then 'unparsable_value'
            when typed.submitted_at is null then 'missing_date'
            when
                typed.customer_id is null
                or typed.feedback_type is null
                or (
                    typed.score is null
                    and typed.feedback_type in ('nps', 'csat', 'review')
                )
                then 'missing_value'
            -- The zero dates of spreadsheets, Unix and FAT all lie before.
            when typed.submitted_at < cast('1990-01-01' as timestamp)
                then 'date_too_old'
            when typed.submitted_at > {{ run_started_at_utc() }} then 'date_in_future'
            when
                typed.wait_hours < 0
                or (typed.feedback_type = 'nps' and typed.score not between 0 and 10)
                or (typed.feedback_type <> 'nps' and typed.score not between 1 and 5)
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
        feedback_id,
        customer_id,
        order_id,
        feedback_type,
        submitted_at,
        score,
        wait_hours,
        resolved_at,
        updated_at,
        quarantine_reason

    from checked

)

select * from judged
