with

raw_customer_merges as (

    {{ raw_versions(
        'customer_merges',
        key='customer_id',
        conflict_on='merged_into_customer_id'
    ) }}

),

customers as (

    select * from {{ ref('stg_customers') }}

),

typed as (

    select
        {{ clean_text('customer_id') }} as customer_id,
        {{ clean_text('merged_into_customer_id') }} as merged_into_customer_id,
        version_issue

    from raw_customer_merges

),

given_up as (

    select customer_id from typed

    where version_issue is null and merged_into_customer_id is not null

),

judged as (

    select
        typed.customer_id,
        typed.merged_into_customer_id,

        case
            when typed.customer_id is null then 'missing_key'
            when typed.version_issue is not null then typed.version_issue
            when typed.merged_into_customer_id is null then 'missing_value'
            when customers.customer_id is null and given_up.customer_id is null
                then 'orphan'
        end as quarantine_reason

    from typed

    left join customers
        on
            typed.merged_into_customer_id = customers.customer_id
            and customers.quarantine_reason is null

    left join given_up on typed.merged_into_customer_id = given_up.customer_id

)

select * from judged
