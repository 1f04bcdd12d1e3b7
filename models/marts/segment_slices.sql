-- depends_on: {{ ref('segment_scorecard') }}
with

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

event_days as (

    select * from {{ ref('int_event_days') }}

),

-- All that a date leaves behind is built before: what has a row here is complete.
customers as (

    select
        as_of_date,
        cast(sum(customer_count) as bigint) as customer_count

    from {{ ref('int_segment_size_slices') }}

    where scheme = 'rfm'

    group by as_of_date

),

companies as (

    select
        as_of_date,
        count(*) as company_count

    from {{ ref('company_segments') }}

    group by as_of_date

),

known_by_then as (

    select
        as_of.as_of_date,

        {{ event_totals('event_days') }}

    from as_of

    left join event_days on as_of.as_of_date >= event_days.event_date

    group by as_of.as_of_date

),

joined as (

    select
        known_by_then.as_of_date,
        coalesce(customers.customer_count, 0) as customer_count,
        coalesce(companies.company_count, 0) as company_count,
        known_by_then.order_count,
        known_by_then.cancelled_count,
        known_by_then.session_count,
        known_by_then.order_amount,
        known_by_then.refunded_amount

    from known_by_then

    left join customers on known_by_then.as_of_date = customers.as_of_date

    left join companies on known_by_then.as_of_date = companies.as_of_date

)

select * from joined
