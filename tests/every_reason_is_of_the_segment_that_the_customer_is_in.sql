-- And every segment has one, in words.
with

reasons as (

    select * from {{ ref('segment_reasons') }}

),

memberships as (

    select * from {{ ref('segment_memberships') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

current_memberships as (

    select memberships.*

    from memberships

    inner join as_of on memberships.as_of_date = as_of.as_of_date

),

compared as (

    select
        coalesce(reasons.customer_id, current_memberships.customer_id) as customer_id,
        coalesce(reasons.scheme, current_memberships.scheme) as scheme,
        reasons.segment as reason_segment,
        current_memberships.segment

    from reasons

    full outer join current_memberships
        on
            reasons.as_of_date = current_memberships.as_of_date
            and reasons.customer_id = current_memberships.customer_id
            and reasons.scheme = current_memberships.scheme

    where
        reasons.segment is null
        or current_memberships.segment is null
        or reasons.segment <> current_memberships.segment
        or reasons.reason is null
        or (reasons.next_segment is null) <> (reasons.distance is null)

)

select * from compared
