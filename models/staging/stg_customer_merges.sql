-- A chain is followed for every refusal, so it is followed once.
{{ config(materialized='table') }}

with

raw_customer_merges as (

    {{ raw_versions(
        'customer_merges',
        key='customer_id',
        conflict_on='merged_into_customer_id'
    ) }}

),

merge_ends as (

    select * from {{ ref('stg_merge_ends') }}

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

judged as (

    select
        typed.customer_id,
        typed.merged_into_customer_id,
        merge_ends.last_customer_id,

        case
            when typed.customer_id is null then 'missing_key'
            when typed.version_issue is not null then typed.version_issue
            when typed.merged_into_customer_id is null then 'missing_value'
            when customers.customer_id is null and not merge_ends.is_endless
                then 'orphan'
        end as quarantine_reason

    from typed

    left join merge_ends on typed.customer_id = merge_ends.customer_id

    left join customers
        on
            merge_ends.last_customer_id = customers.customer_id
            and customers.quarantine_reason is null

)

select * from judged
