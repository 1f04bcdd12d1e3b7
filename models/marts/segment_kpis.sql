{%- set smallest = var('smallest_cell') -%}

with

sizes as (

    select * from {{ ref('int_segment_size_slices') }}

),

compared as (

    select
        *,

        sum(customer_count) over each_scheme as customers_in_all,
        sum(net_amount_365d) over each_scheme as net_amount_in_all,
        -- Whoever is nearly alone is not to be known by what they spend.
        customer_count = 0 or customer_count >= {{ smallest }} as is_published

    from sizes

    window each_scheme as (partition by as_of_date, scheme)

),

rated as (

    select
        as_of_date,
        scheme,
        segment,
        position,
        customer_count,
        {{ ratio('customer_count', 'customers_in_all') }} as customer_share,
        case when is_published then order_count_365d end as order_count_365d,
        case when is_published then net_amount_365d end as net_amount_365d,
        case
            when is_published then {{ ratio('net_amount_365d', 'net_amount_in_all') }}
        end as net_amount_365d_share,
        case
            when
                is_published
                then {{ ratio('net_amount_365d', 'order_count_365d', digits=2) }}
        end as average_order_amount_365d,
        case
            when
                is_published
                then {{ ratio('net_amount_365d', 'customer_count', digits=2) }}
        end as net_amount_365d_per_customer,
        case
            when is_published then {{ ratio('order_count_365d', 'customer_count') }}
        end as orders_365d_per_customer,
        case
            when is_published then {{ ratio('repeat_buyer_count', 'buyer_count') }}
        end as repeat_buyer_share,
        case
            when
                is_published
                then {{ ratio('retained_buyer_count', 'earlier_buyer_count') }}
        end as retention_365d,
        case when is_published then net_amount end as net_amount,
        case when is_published then session_count_365d end as session_count_365d,
        case
            when is_published then {{ ratio('order_count_365d', 'session_count_365d') }}
        end as orders_365d_per_session,
        case when is_published then predicted_amount_365d end as predicted_amount_365d,
        case
            when
                is_published
                -- ratio() takes cents, so that millionths must come as whole numbers.
                then {{ ratio(
                    'churn_probability_sum * 1000000',
                    'predicted_customer_count * cast(1000000 as bigint)'
                ) }}
        end as churn_probability

    from compared

),

changed as (

    select
        as_of_date,
        scheme,
        segment,
        position,
        customer_count,
        customer_share,
        order_count_365d,
        net_amount_365d,
        net_amount_365d_share,
        average_order_amount_365d,
        net_amount_365d_per_customer,
        orders_365d_per_customer,
        repeat_buyer_share,
        retention_365d,
        net_amount,
        session_count_365d,
        orders_365d_per_session,
        predicted_amount_365d,
        churn_probability,
        lag(as_of_date) over earlier as previous_date,
        customer_count - lag(customer_count) over earlier as customer_count_change,
        cast(net_amount_365d - lag(net_amount_365d) over earlier as decimal(18, 2))
            as net_amount_365d_change

    from rated

    window earlier as (
        partition by scheme, segment
        order by as_of_date asc
    )

)

select * from changed
