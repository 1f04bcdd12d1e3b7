with

-- Twice the same: what is read once for both, and then limited by a reader, never ends
-- on DuckDB 2.0 where nobody moved.
later as (

    select * from {{ ref('segment_memberships') }}

),

earlier as (

    select * from {{ ref('segment_memberships') }}

),

scores as (

    select * from {{ ref('customer_scores') }}

),

slices as (

    select
        as_of_date,
        lag(as_of_date) over (order by as_of_date asc) as previous_date,
        max(as_of_date) over () as last_date

    from {{ ref('segment_slices') }}

),

latest as (

    select * from slices

    where as_of_date = last_date

),

moved as (

    select
        later.customer_id,
        later.scheme,
        latest.previous_date as from_date,
        latest.as_of_date as to_date,
        earlier.segment as from_segment,
        later.segment as to_segment,
        scores.net_amount_365d

    from latest

    inner join later on latest.as_of_date = later.as_of_date

    inner join earlier
        on
            latest.previous_date = earlier.as_of_date
            and later.customer_id = earlier.customer_id
            and later.scheme = earlier.scheme
            and later.segment <> earlier.segment

    inner join scores
        on
            later.customer_id = scores.customer_id
            and latest.as_of_date = scores.as_of_date

)

select * from moved
