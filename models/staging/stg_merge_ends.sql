-- Never a table: it also knows who is erased.

with recursive

raw_customer_merges as (

    {{ raw_table('customer_merges') }}

),

-- Merged into two accounts is merged into neither.
pairs as (

    select
        {{ clean_text('customer_id') }} as customer_id,

        min({{ clean_text('merged_into_customer_id') }}) as merged_into_customer_id

    from raw_customer_merges

    where {{ clean_text('customer_id') }} is not null

    group by {{ clean_text('customer_id') }}

    having
        count({{ clean_text('merged_into_customer_id') }}) = count(*)
        and count(distinct {{ clean_text('merged_into_customer_id') }}) = 1

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

)

select * from ended
