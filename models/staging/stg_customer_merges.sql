-- A chain is followed for every refusal, so it is followed once.
{{ config(materialized='table') }}

with recursive

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

pairs as (

    select
        customer_id,
        merged_into_customer_id

    from typed

    where
        customer_id is not null
        and version_issue is null
        and merged_into_customer_id is not null

),

followed as (

    select
        customer_id,
        merged_into_customer_id,
        1 as merge_count

    from pairs

    union all

    select
        followed.customer_id,
        pairs.merged_into_customer_id,
        followed.merge_count + 1 as merge_count

    from followed

    inner join pairs on followed.merged_into_customer_id = pairs.customer_id

    -- Who comes back to itself is in a circle; the limit stops who leads into one.
    where
        followed.customer_id <> followed.merged_into_customer_id
        and followed.merge_count < 50

),

-- What has no end stays in, for stop_on_endless_merges() to find.
ended as (

    select
        followed.customer_id,
        followed.merged_into_customer_id as last_customer_id,
        pairs.customer_id is not null as is_endless

    from followed

    left join pairs on followed.merged_into_customer_id = pairs.customer_id

    where
        pairs.customer_id is null
        or followed.customer_id = followed.merged_into_customer_id
        or followed.merge_count = 50

),

judged as (

    select
        typed.customer_id,
        typed.merged_into_customer_id,
        ended.last_customer_id,

        case
            when typed.customer_id is null then 'missing_key'
            when typed.version_issue is not null then typed.version_issue
            when typed.merged_into_customer_id is null then 'missing_value'
            when customers.customer_id is null and not ended.is_endless
                then 'orphan'
        end as quarantine_reason

    from typed

    left join ended on typed.customer_id = ended.customer_id

    left join customers
        on
            ended.last_customer_id = customers.customer_id
            and customers.quarantine_reason is null

)

select * from judged
