with

sizes as (

    select * from {{ ref('int_segment_sizes') }}

),

kept as (

    select
        as_of_date,
        scheme,
        segment,
        position,
        customer_count,
        buyer_count,
        repeat_buyer_count,
        earlier_buyer_count,
        retained_buyer_count,
        order_count_365d,
        predicted_customer_count,
        net_amount_365d,
        net_amount,
        session_count_365d,
        predicted_amount_365d,
        churn_probability_sum

    from sizes

)

select * from kept
