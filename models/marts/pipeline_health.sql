with

slices as (

    select * from {{ ref('segment_slices') }}

),

event_days as (

    select * from {{ ref('int_event_days') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

-- What the same date would be built from now.
known_now as (

    select
        slices.as_of_date,

        {{ event_totals('event_days') }}

    from slices

    left join event_days on slices.as_of_date >= event_days.event_date

    group by slices.as_of_date

),

compared as (

    select
        slices.as_of_date,
        known_now.order_count - slices.order_count as order_count_change,
        known_now.cancelled_count - slices.cancelled_count as cancelled_count_change,
        known_now.session_count - slices.session_count as session_count_change,
        known_now.order_amount - slices.order_amount
        - known_now.refunded_amount + slices.refunded_amount as net_amount_change,
        known_now.order_count = slices.order_count
        and known_now.cancelled_count = slices.cancelled_count
        and known_now.session_count = slices.session_count
        and known_now.order_amount = slices.order_amount
        and known_now.refunded_amount = slices.refunded_amount as is_fresh

    from slices

    inner join known_now on slices.as_of_date = known_now.as_of_date

),

checks as (

    select
        'slice' as check_name,
        cast(as_of_date as {{ text_type() }}) as subject,
        case when is_fresh then 'ok' else 'stale' end as status,
        case
            when is_fresh then 'nothing of its time has come or gone since it was built'
            else
                'since it was built, '
                || cast(order_count_change as {{ text_type() }}) || ' orders, '
                || cast(cancelled_count_change as {{ text_type() }})
                || ' cancellations, '
                || cast(session_count_change as {{ text_type() }}) || ' sessions and '
                || cast(
                    cast(net_amount_change as decimal(18, 2)) as {{ text_type() }}
                )
                || ' in net amount of its time have come; build it again'
        end as message

    from compared

    union all

    select
        'as_of_date' as check_name,
        cast(as_of_date as {{ text_type() }}) as subject,
        'ok' as status,
        'the last day that the marts see' as message

    from as_of

)

select * from checks
