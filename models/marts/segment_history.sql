with

memberships as (

    select * from {{ ref('segment_memberships') }}

),

slices as (

    select
        as_of_date,
        row_number() over (order by as_of_date asc) as slice_number,
        lead(as_of_date) over (order by as_of_date asc) as next_date,
        max(as_of_date) over () as last_date

    from {{ ref('segment_slices') }}

),

-- Within a stay both numbers grow by one: their difference is its name.
numbered as (

    select
        memberships.customer_id,
        memberships.scheme,
        memberships.segment,
        memberships.as_of_date,
        slices.next_date,
        slices.last_date,
        slices.slice_number - row_number() over (
            partition by
                memberships.customer_id, memberships.scheme, memberships.segment
            order by memberships.as_of_date asc
        ) as stay_number

    from memberships

    inner join slices on memberships.as_of_date = slices.as_of_date

),

stays as (

    select
        customer_id,
        scheme,
        segment,

        min(as_of_date) as entered_date,
        case when count(next_date) = count(*) then max(next_date) end as left_date,
        max(last_date) as last_date

    from numbered

    group by customer_id, scheme, segment, stay_number

),

neighbours as (

    select
        *,
        lag(segment) over in_order as segment_before,
        lag(left_date) over in_order as left_date_before,
        lead(segment) over in_order as segment_after,
        lead(entered_date) over in_order as entered_date_after

    from stays

    window in_order as (
        partition by customer_id, scheme
        order by entered_date asc
    )

),

told as (

    select
        customer_id,
        scheme,
        segment,
        entered_date,
        left_date,
        -- Somebody who was not there in between comes from nowhere.
        case when left_date_before = entered_date then segment_before end
            as previous_segment,
        case when entered_date_after = left_date then segment_after end
            as next_segment,
        cast({{ dbt.datediff(
            'entered_date', 'coalesce(left_date, last_date)', 'day'
        ) }} as integer)
            as days_stayed,
        left_date is null as is_current

    from neighbours

)

select * from told
