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
        features.company_id,
        features.industry,
        features.employee_count,

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

        features.preferred_item_category,
        features.nps_score,
        features.last_rating,
        features.has_email_consent,
        features.usage_day_count_30d,
        features.subscription_plan,
        features.monthly_recurring_amount,

        scores.r_score,
        scores.f_score,
        scores.m_score,

        segments.rfm,
        segments.value_tier,
        segments.lifecycle,
        segments.loyalty,
        segments.purchase_pattern,
        segments.price_sensitivity,
        segments.price_class,
        segments.category_affinity,
        segments.occasion,
        segments.season,
        segments.shopping_time,
        segments.channel,
        segments.payment,
        segments.engagement,
        segments.window_shopper,
        segments.journey_stage,
        segments.device,
        segments.traffic,
        segments.age_band,
        segments.household,
        segments.geography,
        segments.language_group,
        segments.acquisition,
        segments.motivation_group,
        segments.cooperation,
        segments.satisfaction,
        segments.campaign_response,
        segments.reachability,
        segments.cluster,
        segments.predicted_value,
        segments.churn_risk,
        segments.usage,
        segments.usage_breadth,
        segments.subscription,
        segments.company_size,
        segments.industry_group,
        segments.turnover,
        segments.ownership,
        segments.role

    from features

    inner join scores on features.customer_id = scores.customer_id

    inner join segments
        on
            features.customer_id = segments.customer_id
            and features.as_of_date = segments.as_of_date

)

select * from joined
