with

predictions as (

    select * from {{ ref('customer_predictions') }}

),

clusters as (

    select * from {{ ref('customer_clusters') }}

),

joined as (

    select
        predictions.customer_id,
        clusters.cluster as cluster_number,
        predictions.expected_order_count_30d,
        predictions.expected_order_count_90d,
        predictions.expected_order_count_365d,
        predictions.expected_order_amount,
        predictions.predicted_amount_365d,
        predictions.predicted_share_above,
        predictions.churn_probability,
        predictions.expected_days_to_next_order

    from predictions

    left join clusters on predictions.customer_id = clusters.customer_id

)

select * from joined
