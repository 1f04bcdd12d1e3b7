with

definitions as (

    select * from {{ ref('segment_definitions') }}

    where grain <> 'company'

),

memberships as (

    select * from {{ ref('segment_memberships') }}

),

features as (

    select * from {{ ref('customer_features') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

aggregated as (

    select
        memberships.scheme,
        memberships.segment,

        count(*) as customer_count,
        sum(features.order_count_365d) as order_count_365d,
        sum(features.net_amount_365d) as net_amount_365d,
        sum(features.net_amount) as net_amount,
        sum(features.session_count_365d) as session_count_365d

    from memberships

    -- The features are of one as-of date, the memberships of all.
    inner join features
        on
            memberships.customer_id = features.customer_id
            and memberships.as_of_date = features.as_of_date

    group by memberships.scheme, memberships.segment

),

-- A segment without customers keeps its row, with zeros.
joined as (

    select
        as_of.as_of_date,
        definitions.scheme,
        definitions.segment,
        definitions.position,
        coalesce(aggregated.customer_count, 0) as customer_count,
        cast(coalesce(aggregated.order_count_365d, 0) as bigint) as order_count_365d,
        cast(coalesce(aggregated.net_amount_365d, 0) as decimal(18, 2))
            as net_amount_365d,
        cast(coalesce(aggregated.net_amount, 0) as decimal(18, 2)) as net_amount,
        cast(aggregated.session_count_365d as bigint) as session_count_365d

    from definitions

    cross join as_of

    left join aggregated
        on
            definitions.scheme = aggregated.scheme
            and definitions.segment = aggregated.segment

),

compared as (

    select
        as_of_date,
        scheme,
        segment,
        position,
        customer_count,
        {{ ratio('customer_count', 'sum(customer_count) over (partition by scheme)') }}
            as customer_share,
        order_count_365d,
        net_amount_365d,
        {{ ratio(
            'net_amount_365d',
            'sum(net_amount_365d) over (partition by scheme)'
        ) }}
            as net_amount_365d_share,
        {{ ratio('net_amount_365d', 'order_count_365d', digits=2) }}
            as average_order_amount_365d,
        {{ ratio('net_amount_365d', 'customer_count', digits=2) }}
            as net_amount_365d_per_customer,
        net_amount,
        session_count_365d

    from joined

)

select * from compared
