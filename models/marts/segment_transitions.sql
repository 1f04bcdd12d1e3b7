{%- set smallest = var('smallest_cell') -%}

with

memberships as (

    select * from {{ ref('segment_memberships') }}

),

scores as (

    select * from {{ ref('customer_scores') }}

),

-- A scheme has only the dates since there is such a scheme.
slices as (

    select distinct
        scheme,
        as_of_date,
        dense_rank() over (
            partition by scheme
            order by as_of_date asc
        ) as slice_number

    from {{ ref('int_segment_size_slices') }}

),

later_slices as (

    select * from slices

),

pairs as (

    select
        slices.scheme,
        slices.as_of_date as from_date,
        later_slices.as_of_date as to_date,
        later_slices.slice_number - slices.slice_number = 1 as is_consecutive

    from slices

    inner join later_slices
        on
            slices.scheme = later_slices.scheme
            and slices.as_of_date < later_slices.as_of_date

),

-- One side below the other, so that a filter on scheme or dates reaches the slices.
sides as (

    select
        pairs.scheme,
        pairs.from_date,
        pairs.to_date,
        pairs.is_consecutive,
        memberships.customer_id,
        memberships.segment as from_segment,
        cast(null as {{ text_type() }}) as to_segment,
        scores.net_amount_365d as net_amount_before,
        cast(null as decimal(18, 2)) as net_amount_after

    from pairs

    inner join memberships
        on
            pairs.scheme = memberships.scheme
            and pairs.from_date = memberships.as_of_date

    inner join scores
        on
            memberships.customer_id = scores.customer_id
            and pairs.from_date = scores.as_of_date

    union all

    select
        pairs.scheme,
        pairs.from_date,
        pairs.to_date,
        pairs.is_consecutive,
        memberships.customer_id,
        cast(null as {{ text_type() }}) as from_segment,
        memberships.segment as to_segment,
        cast(null as decimal(18, 2)) as net_amount_before,
        scores.net_amount_365d as net_amount_after

    from pairs

    inner join memberships
        on
            pairs.scheme = memberships.scheme
            and pairs.to_date = memberships.as_of_date

    inner join scores
        on
            memberships.customer_id = scores.customer_id
            and pairs.to_date = scores.as_of_date

),

moved as (

    select
        scheme,
        from_date,
        to_date,
        is_consecutive,
        customer_id,

        max(from_segment) as from_segment,
        max(to_segment) as to_segment,
        max(net_amount_before) as net_amount_before,
        max(net_amount_after) as net_amount_after

    from sides

    group by scheme, from_date, to_date, is_consecutive, customer_id

),

counted as (

    select
        scheme,
        from_date,
        to_date,
        is_consecutive,
        from_segment,
        to_segment,

        count(*) as customer_count,
        case when count(*) >= {{ smallest }} then sum(net_amount_before) end
            as net_amount_before,
        case when count(*) >= {{ smallest }} then sum(net_amount_after) end
            as net_amount_after

    from moved

    group by scheme, from_date, to_date, is_consecutive, from_segment, to_segment

),

labelled as (

    select
        scheme,
        from_date,
        to_date,
        is_consecutive,
        from_segment,
        to_segment,
        coalesce(from_segment, 'not there yet')
        || ' ' || cast(from_date as {{ text_type() }}) as from_label,
        coalesce(to_segment, 'no longer there')
        || ' ' || cast(to_date as {{ text_type() }}) as to_label,
        coalesce(from_segment = to_segment, false) as has_stayed,
        cast(customer_count as bigint) as customer_count,
        cast(net_amount_before as decimal(18, 2)) as net_amount_365d_before,
        cast(net_amount_after as decimal(18, 2)) as net_amount_365d_after

    from counted

)

select * from labelled
