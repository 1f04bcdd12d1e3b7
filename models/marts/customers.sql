with

features as (

    select * from {{ ref('customer_features') }}

),

scores as (

    select * from {{ ref('customer_rfm_scores') }}

),

segments as (

    select * from {{ ref('customer_segments') }}

),

joined as (

    select
        features.as_of_date,
        features.customer_id,

        features.created_date,
        features.tenure_days,
        features.age_years,
        features.gender,
        features.language,
        features.country_code,
        features.region,
        features.city,
        features.acquisition_source,

        features.order_count,
        features.order_count_365d,
        features.first_order_date,
        features.last_order_date,
        features.days_since_last_order,
        features.net_amount,
        features.net_amount_365d,
        features.average_order_amount,
        features.median_gap_days,
        features.preferred_category,
        features.preferred_sales_channel,
        features.preferred_payment_method,

        features.session_count,
        features.days_since_last_session,
        features.preferred_device_type,
        features.preferred_traffic_source,

        scores.r_score,
        scores.f_score,
        scores.m_score,

        segments.rfm,
        segments.value_tier,
        segments.lifecycle,
        segments.purchase_pattern,
        segments.engagement,
        segments.window_shopper,
        segments.price_sensitivity,
        segments.channel

    from features

    inner join scores on features.customer_id = scores.customer_id

    inner join segments
        on
            features.customer_id = segments.customer_id
            and features.as_of_date = segments.as_of_date

)

select * from joined
