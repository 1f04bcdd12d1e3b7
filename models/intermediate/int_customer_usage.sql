with

usage_events as (

    {{ known_events('stg_product_usage', 'used_at', ['feature', 'usage_count']) }}

),

-- A day on which nothing was used is no day of use.
uses as (

    select * from usage_events

    where coalesce(usage_count, 1) > 0

),

aggregated as (

    select
        customer_id,

        cast(
            sum(case when age_days < 30 then coalesce(usage_count, 1) else 0 end)
            as bigint
        ) as usage_count_30d,
        count(distinct case when age_days < 30 then business_date end)
            as usage_day_count_30d,
        count(distinct case when age_days < 30 then feature end)
            as used_feature_count_30d,
        count(distinct feature) as used_feature_count,
        min(business_date) as first_used_date,
        max(business_date) as last_used_date,
        max(age_days) as days_since_first_use,
        min(age_days) as days_since_last_use

    from uses

    group by customer_id

)

select * from aggregated
