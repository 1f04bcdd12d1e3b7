with

customers as (

    select * from {{ ref('int_customers') }}

),

counted_orders as (

    select * from {{ ref('int_customer_orders') }}

),

sessions as (

    select * from {{ ref('int_customer_sessions') }}

),

items as (

    select * from {{ ref('int_customer_items') }}

),

campaigns as (

    select * from {{ ref('int_customer_campaigns') }}

),

feedback as (

    select * from {{ ref('int_customer_feedback') }}

),

consents as (

    select * from {{ ref('int_customer_consents') }}

),

answers as (

    select * from {{ ref('int_customer_answers') }}

),

product_usage as (

    select * from {{ ref('int_customer_usage') }}

),

subscriptions as (

    select * from {{ ref('int_customer_subscriptions') }}

),

companies as (

    select * from {{ ref('int_companies') }}

),

job_titles as (

    select * from {{ ref('int_job_titles') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

inputs as (

    select * from {{ ref('int_known_inputs') }}

),

events as (

    select
        customer_id,
        business_date

    from {{ ref('int_orders') }}

    union all

    select
        customer_id,
        business_date

    from {{ ref('int_sessions') }}

),

later as (

    select events.customer_id

    from events

    inner join customers on events.customer_id = customers.customer_id

    cross join as_of

    where customers.created_date is null

    group by events.customer_id, as_of.as_of_date

    having min(events.business_date) > as_of.as_of_date

),

-- Zero for who has none of an input, but unknown where nobody has any.
zeros as (

    select
        {% for input in [
            'order_items',
            'campaign_events',
            'feedback',
            'consents',
            'survey_answers',
            'product_usage'
        ] %}
        case when has_{{ input }} then 0 end as {{ input }},
        {% endfor %}
        case when has_subscriptions then 0 end as subscriptions

    from inputs

),

-- The gaps of all customers together.
gaps as (

    select
        cast(sum(days_since_first_order - days_since_last_order) as bigint)
            as day_count,
        cast(sum(order_count - 1) as bigint) as gap_count

    from {{ ref('int_customer_orders') }}

    where order_count > 0

),

-- A few gaps say little of a rhythm: two of the average length of all are added.
orders as (

    select
        counted_orders.*,
        {{ ratio(
            'case when counted_orders.order_count > 0 then 2 * gaps.day_count + coalesce('
            '(counted_orders.order_count - 1) * counted_orders.median_gap_days, 0'
            ') * gaps.gap_count end',
            '(counted_orders.order_count + 1) * gaps.gap_count',
            digits=1
        ) }}
            as expected_gap_days

    from counted_orders

    cross join gaps

),

joined as (

    select
        as_of.as_of_date,
        customers.customer_id,

        case
            when customers.created_date <= as_of.as_of_date then customers.created_date
        end as created_date,
        cast({{ dbt.datediff(
            'least('
            'case when customers.created_date <= as_of.as_of_date'
            ' then customers.created_date end,'
            ' orders.first_order_date, sessions.first_session_date)',
            'as_of.as_of_date',
            'day'
        ) }} as integer)
            as tenure_days,
        cast(extract(year from as_of.as_of_date) as integer)
        - customers.birth_year as age_years,
        customers.gender,
        customers.household_size,
        customers.income_band,
        customers.language,
        customers.country_code,
        customers.region,
        customers.city,
        customers.acquisition_source,
        job_titles.decision_role,
        companies.company_id,
        companies.industry,
        companies.employee_count,
        companies.annual_revenue,
        companies.ownership_type,

        coalesce(orders.order_count, 0) as order_count,
        coalesce(orders.order_count_30d, 0) as order_count_30d,
        coalesce(orders.order_count_90d, 0) as order_count_90d,
        coalesce(orders.order_count_365d, 0) as order_count_365d,
        orders.first_order_date,
        orders.last_order_date,
        cast(orders.days_since_first_order as integer) as days_since_first_order,
        cast(orders.days_since_last_order as integer) as days_since_last_order,

        cast(coalesce(orders.net_amount, 0) as decimal(18, 2)) as net_amount,
        cast(coalesce(orders.net_amount_30d, 0) as decimal(18, 2)) as net_amount_30d,
        cast(coalesce(orders.net_amount_90d, 0) as decimal(18, 2)) as net_amount_90d,
        cast(coalesce(orders.net_amount_365d, 0) as decimal(18, 2)) as net_amount_365d,
        cast(coalesce(orders.refunded_amount, 0) as decimal(18, 2)) as refunded_amount,
        {{ ratio('orders.net_amount', 'orders.order_count', digits=2) }}
            as average_order_amount,
        coalesce(orders.frequency, 0) as frequency,
        cast(coalesce(orders.monetary_amount, 0) as decimal(18, 2)) as monetary_amount,

        cast(orders.item_count as bigint) as item_count,
        {{ ratio('orders.item_count', 'orders.order_count') }} as items_per_order,

        orders.median_gap_days,
        cast(orders.last_gap_days as integer) as last_gap_days,
        orders.expected_gap_days,
        {{ ratio(
            'orders.days_since_last_order',
            'case when orders.expected_gap_days < 1 then 1'
            ' else orders.expected_gap_days end'
        ) }}
            as order_lateness,

        {{ share(
            'orders.discounted_order_count',
            'case when as_of.has_discounts then orders.order_count end'
        ) }}
            as discount_order_share,
        {{ share(
            'orders.offered_discount_millionths',
            'case when as_of.has_discounts then 1000000 * orders.order_count end'
        ) }}
            as offered_discount_share,
        {{ ratio(
            '1000000 * orders.discounted_order_count',
            'orders.offered_discount_millionths'
        ) }}
            as discount_lift,
        {{ share('orders.coupon_order_count', 'orders.order_count') }}
            as coupon_order_share,
        {{ share('orders.refunded_order_count', 'orders.order_count') }}
            as refund_order_share,
        {{ share('orders.weekend_order_count', 'orders.order_count') }}
            as weekend_order_share,
        {{ share('orders.evening_order_count', 'orders.order_count') }}
            as evening_order_share,
        {{ share(
            'orders.gift_order_count',
            'case when as_of.has_gifts then orders.order_count end'
        ) }}
            as gift_order_share,
        {{ share('orders.spring_order_count', 'orders.order_count') }}
            as spring_order_share,
        {{ share('orders.summer_order_count', 'orders.order_count') }}
            as summer_order_share,
        {{ share('orders.autumn_order_count', 'orders.order_count') }}
            as autumn_order_share,
        {{ share('orders.winter_order_count', 'orders.order_count') }}
            as winter_order_share,
        {{ share('orders.online_order_count', 'orders.channel_order_count') }}
            as online_order_share,
        {{ share('orders.shop_order_count', 'orders.channel_order_count') }}
            as shop_order_share,
        {{ ratio('orders.discount_amount', 'orders.gross_amount') }}
            as discount_amount_share,

        orders.preferred_sales_channel,
        orders.preferred_category,
        orders.preferred_payment_method,
        orders.preferred_occasion,
        {{ share('orders.occasion_order_count', 'orders.order_count') }}
            as occasion_order_share,

        case when as_of.has_sessions then coalesce(sessions.session_count, 0) end
            as session_count,
        case when as_of.has_sessions then coalesce(sessions.session_count_30d, 0) end
            as session_count_30d,
        case when as_of.has_sessions then coalesce(sessions.session_count_90d, 0) end
            as session_count_90d,
        case when as_of.has_sessions then coalesce(sessions.session_count_365d, 0) end
            as session_count_365d,
        sessions.first_session_date,
        sessions.last_session_date,
        cast(sessions.days_since_last_session as integer) as days_since_last_session,

        cast(sessions.page_view_count as bigint) as page_view_count,
        cast(sessions.product_view_count as bigint) as product_view_count,
        cast(sessions.search_count as bigint) as search_count,
        cast(sessions.cart_addition_count as bigint) as cart_addition_count,
        cast(sessions.checkout_count as bigint) as checkout_count,
        cast(sessions.share_count as bigint) as share_count,
        sessions.cart_session_count,
        {{ share('sessions.abandoned_cart_count', 'sessions.cart_session_count') }}
            as cart_abandonment_share,
        cast(sessions.session_seconds as bigint) as session_seconds,
        {{ ratio('sessions.session_seconds', 'sessions.session_count', digits=2) }}
            as average_session_seconds,
        {{ ratio(
            'coalesce(orders.order_count - orders.shop_order_count, 0)',
            'sessions.session_count'
        ) }}
            as orders_per_session,
        case when as_of.has_sessions then coalesce(sessions.device_type_count, 0) end
            as device_type_count,
        sessions.preferred_device_type,
        case when as_of.has_sessions then coalesce(sessions.traffic_source_count, 0) end
            as traffic_source_count,
        sessions.preferred_traffic_source,

        coalesce(items.item_category_count, zeros.order_items) as item_category_count,
        items.preferred_item_category,
        cast(
            coalesce(items.preferred_item_category_share, zeros.order_items)
            as decimal(9, 6)
        ) as preferred_item_category_share,
        items.price_level,

        coalesce(campaigns.campaign_count_365d, zeros.campaign_events)
            as campaign_count_365d,
        cast(
            coalesce(campaigns.opened_campaign_share, zeros.campaign_events)
            as decimal(9, 6)
        ) as opened_campaign_share,
        cast(
            coalesce(campaigns.clicked_campaign_share, zeros.campaign_events)
            as decimal(9, 6)
        ) as clicked_campaign_share,
        coalesce(campaigns.converted_campaign_count_365d, zeros.campaign_events)
            as converted_campaign_count_365d,
        coalesce(campaigns.has_opted_out, zeros.campaign_events <> 0) as has_opted_out,

        coalesce(feedback.feedback_count, zeros.feedback) as feedback_count,
        feedback.nps_score,
        feedback.last_rating,
        feedback.average_rating_365d,
        feedback.lowest_rating_30d,
        feedback.lowest_nps_30d,
        coalesce(feedback.complaint_count_30d, zeros.feedback) as complaint_count_30d,
        feedback.longest_wait_hours_30d,
        coalesce(feedback.open_ticket_count, zeros.feedback) as open_ticket_count,

        coalesce(consents.consented_channel_count, zeros.consents)
            as consented_channel_count,
        coalesce(consents.withdrawn_channel_count, zeros.consents)
            as withdrawn_channel_count,
        consents.has_email_consent,

        coalesce(answers.survey_answer_count, zeros.survey_answers)
            as survey_answer_count,
        answers.motivation,
        answers.cooperation_preference,

        coalesce(product_usage.usage_count_30d, zeros.product_usage) as usage_count_30d,
        coalesce(product_usage.usage_day_count_30d, zeros.product_usage)
            as usage_day_count_30d,
        coalesce(product_usage.used_feature_count_30d, zeros.product_usage)
            as used_feature_count_30d,
        coalesce(product_usage.used_feature_count, zeros.product_usage)
            as used_feature_count,
        product_usage.first_used_date,
        product_usage.last_used_date,
        product_usage.days_since_first_use,
        product_usage.days_since_last_use,

        coalesce(subscriptions.subscription_count, zeros.subscriptions)
            as subscription_count,
        coalesce(subscriptions.active_subscription_count, zeros.subscriptions)
            as active_subscription_count,
        subscriptions.subscription_plan,
        coalesce(subscriptions.seat_count, zeros.subscriptions) as seat_count,
        cast(
            coalesce(subscriptions.monthly_recurring_amount, zeros.subscriptions)
            as decimal(18, 2)
        ) as monthly_recurring_amount,
        coalesce(subscriptions.is_on_trial, zeros.subscriptions <> 0) as is_on_trial,
        subscriptions.days_since_subscription_start,
        subscriptions.days_since_subscription_end

    from customers

    cross join as_of

    cross join zeros

    left join orders on customers.customer_id = orders.customer_id

    left join sessions on customers.customer_id = sessions.customer_id

    {% for input in [
        'items',
        'campaigns',
        'feedback',
        'consents',
        'answers',
        'product_usage',
        'subscriptions'
    ] %}
    left join {{ input }} on customers.customer_id = {{ input }}.customer_id

    {% endfor %}
    left join job_titles on customers.job_title = job_titles.job_title

    left join companies on customers.company_id = companies.company_id

    left join later on customers.customer_id = later.customer_id

    where
        not customers.is_test_account
        -- Who came later was not yet there, by date of opening or by what came first.
        and (
            customers.created_date <= as_of.as_of_date
            or orders.customer_id is not null
            or sessions.customer_id is not null
            or (customers.created_date is null and later.customer_id is null)
        )

)

select * from joined
