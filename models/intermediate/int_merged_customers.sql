with recursive

merges as (

    select
        customer_id,
        merged_into_customer_id

    from {{ ref('stg_customer_merges') }}

    where quarantine_reason is null

),

customers as (

    select * from {{ ref('stg_customers') }}

),

-- A circle is followed once round and leaves a merge into itself; check_merges() then stops the build.
followed as (

    select
        customer_id,
        merged_into_customer_id,
        1 as merge_count

    from merges

    union all

    select
        followed.customer_id,
        merges.merged_into_customer_id,
        followed.merge_count + 1 as merge_count

    from followed

    inner join merges on followed.merged_into_customer_id = merges.customer_id

    where
        followed.customer_id <> followed.merged_into_customer_id
        and followed.merge_count < 50

),

resolved as (

    select
        followed.customer_id,
        followed.merged_into_customer_id

    from followed

    left join merges on followed.merged_into_customer_id = merges.customer_id

    left join customers
        on
            followed.merged_into_customer_id = customers.customer_id
            and customers.quarantine_reason is null

    where
        case
            when merges.customer_id is null then customers.customer_id is not null
            else
                followed.customer_id = followed.merged_into_customer_id
                or followed.merge_count = 50
        end

)

select * from resolved
