with

definitions as (

    select * from {{ ref('segment_definitions') }}

    where grain <> 'company'

),

memberships as (

    select * from {{ ref('segment_memberships') }}

),

scores as (

    select * from {{ ref('customer_scores') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

aggregated as (

    select
        memberships.scheme,
        memberships.segment,

        count(*) as customer_count,
        count(*) filter (where scores.order_count > 0) as buyer_count,
        count(*) filter (where scores.order_count > 1) as repeat_buyer_count,
        count(*) filter (where scores.days_since_first_order >= 365)
            as earlier_buyer_count,
        count(*) filter (
            where scores.days_since_first_order >= 365 and scores.order_count_365d > 0
        ) as retained_buyer_count,
        sum(scores.order_count_365d) as order_count_365d,
        sum(scores.net_amount_365d) as net_amount_365d,
        sum(scores.net_amount) as net_amount,
        sum(scores.session_count_365d) as session_count_365d,
        sum(scores.predicted_amount_365d) as predicted_amount_365d,
        count(scores.churn_probability) as predicted_customer_count,
        sum(scores.churn_probability) as churn_probability_sum

    from memberships

    inner join as_of on memberships.as_of_date = as_of.as_of_date

    inner join scores
        on
            memberships.customer_id = scores.customer_id
            and as_of.as_of_date = scores.as_of_date

    group by memberships.scheme, memberships.segment

),

-- A segment without customers keeps its row, with zeros.
joined as (

    select
        as_of.as_of_date,
        definitions.scheme,
        definitions.segment,
        definitions.position,
        {% for count in [
            'customer_count',
            'buyer_count',
            'repeat_buyer_count',
            'earlier_buyer_count',
            'retained_buyer_count',
            'order_count_365d',
            'predicted_customer_count',
        ] %}
        cast(coalesce(aggregated.{{ count }}, 0) as bigint) as {{ count }},
        {% endfor %}
        cast(coalesce(aggregated.net_amount_365d, 0) as decimal(18, 2))
            as net_amount_365d,
        cast(coalesce(aggregated.net_amount, 0) as decimal(18, 2)) as net_amount,
        cast(aggregated.session_count_365d as bigint) as session_count_365d,
        cast(aggregated.predicted_amount_365d as decimal(18, 2))
            as predicted_amount_365d,
        cast(aggregated.churn_probability_sum as decimal(18, 6))
            as churn_probability_sum

    from definitions

    cross join as_of

    left join aggregated
        on
            definitions.scheme = aggregated.scheme
            and definitions.segment = aggregated.segment

)

select * from joined
