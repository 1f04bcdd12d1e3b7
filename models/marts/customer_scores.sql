-- depends_on: {{ ref('int_customers') }}, {{ ref('stg_erased_keys') }}
with

features as (

    select * from {{ ref('customer_features') }}

),

scores as (

    select * from {{ ref('customer_rfm_scores') }}

),

learned as (

    select * from {{ ref('int_learned_scores') }}

),

joined as (

    select
        features.as_of_date,
        features.customer_id,
        features.days_since_first_order,
        features.days_since_last_order,
        features.order_count,
        features.order_count_365d,
        features.net_amount,
        features.net_amount_365d,
        features.session_count_365d,
        scores.r_score,
        scores.f_score,
        scores.m_score,
        learned.cluster_number,
        learned.expected_order_count_365d,
        learned.predicted_amount_365d,
        learned.churn_probability

    from features

    left join scores on features.customer_id = scores.customer_id

    left join learned on features.customer_id = learned.customer_id

)

select * from joined
