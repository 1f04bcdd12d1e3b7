with

raw_survey_answers as (

    {{ raw_versions('survey_answers', key='answer_id', conflict_on='customer_id') }}

),

customers as (

    select * from {{ ref('stg_customers') }}

),

merged_customers as (

    select * from {{ ref('int_merged_customers') }}

),

typed as (

    select
        {{ clean_text('answer_id') }} as answer_id,
        {{ clean_text('customer_id') }} as customer_id,
        lower({{ clean_text('question') }}) as question,
        lower({{ clean_text('answer') }}) as answer,
        {{ cast_or_null('answered_at', 'timestamp') }} as answered_at,

        case
            when
                {{ any_unparsable(['answered_at'], 'timestamp') }}
                then 'unparsable_date'
        end as parse_error,
        version_issue

    from raw_survey_answers

),

checked as (

    select
        typed.*,

        case
            when typed.answer_id is null then 'missing_key'
            when typed.version_issue is not null then typed.version_issue
            when typed.parse_error is not null then typed.parse_error
            when typed.answered_at is null then 'missing_date'
            when typed.customer_id is null or typed.question is null
                then 'missing_value'
            -- The zero dates of spreadsheets, Unix and FAT all lie before.
            when typed.answered_at < cast('1990-01-01' as timestamp) then 'date_too_old'
            when typed.answered_at > {{ run_started_at_utc() }} then 'date_in_future'
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
        answer_id,
        customer_id,
        question,
        answer,
        answered_at,
        quarantine_reason

    from checked

)

select * from judged
