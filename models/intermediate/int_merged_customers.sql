with recursive

pairs as (

    select
        customer_id,
        merged_into_customer_id

    from {{ ref('stg_customer_merges') }}

    where quarantine_reason is null

),

customers as (

    select * from {{ ref('stg_customers') }}

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
        followed.merged_into_customer_id

    from followed

    left join pairs on followed.merged_into_customer_id = pairs.customer_id

    left join customers
        on
            followed.merged_into_customer_id = customers.customer_id
            and customers.quarantine_reason is null

    where
        (pairs.customer_id is null and customers.customer_id is not null)
        or followed.customer_id = followed.merged_into_customer_id
        or (pairs.customer_id is not null and followed.merge_count = 50)

)

select * from ended
