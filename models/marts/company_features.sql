with

companies as (

    select * from {{ ref('int_companies') }}

),

customers as (

    select * from {{ ref('customer_features') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

inputs as (

    select * from {{ ref('int_known_inputs') }}

),

-- Zero for a company without customers, but unknown where nobody has any.
zeros as (

    select
        as_of.as_of_date,
        case when as_of.has_sessions then 0 end as sessions,
        case when inputs.has_product_usage then 0 end as product_usage,
        case when inputs.has_subscriptions then 0 end as subscriptions,
        case when inputs.has_feedback then 0 end as feedback

    from as_of

    cross join inputs

),

aggregated as (

    select
        company_id,

        count(*) as customer_count,
        count(*) filter (where decision_role = 'decision_maker')
            as decision_maker_count,
        -- The highest: they stand in the order of the alphabet.
        min(decision_role) as decision_role,
        max(tenure_days) as longest_tenure_days,

        min(first_order_date) as first_order_date,
        max(last_order_date) as last_order_date,
        min(days_since_last_order) as days_since_last_order,
        count(*) filter (where order_count_365d > 0) as ordering_customer_count_365d,
        {% for amount in [
            'net_amount', 'net_amount_365d', 'monthly_recurring_amount'
        ] %}
        cast(sum({{ amount }}) as decimal(18, 2)) as {{ amount }},
        {% endfor %}
        {% for count in [
            'order_count',
            'order_count_365d',
            'session_count_90d',
            'usage_count_30d',
            'active_subscription_count',
            'seat_count',
            'complaint_count_30d',
            'open_ticket_count'
        ] %}
        cast(sum({{ count }}) as bigint) as {{ count }},
        {% endfor %}
        max(usage_day_count_30d) as usage_day_count_30d,
        max(used_feature_count_30d) as used_feature_count_30d,
        min(days_since_last_use) as days_since_last_use

    from customers

    where company_id is not null

    group by company_id

),

joined as (

    select
        zeros.as_of_date,
        companies.company_id,

        companies.industry,
        companies.employee_count,
        companies.annual_revenue,
        companies.ownership_type,
        companies.technologies,
        companies.country_code,
        companies.parent_company_id,

        coalesce(aggregated.customer_count, 0) as customer_count,
        coalesce(aggregated.decision_maker_count, 0) as decision_maker_count,
        aggregated.decision_role,
        cast(
            greatest(
                {{ dbt.datediff('companies.created_date', 'zeros.as_of_date', 'day') }},
                aggregated.longest_tenure_days
            ) as integer
        ) as relationship_days,

        coalesce(aggregated.order_count, 0) as order_count,
        coalesce(aggregated.order_count_365d, 0) as order_count_365d,
        cast(coalesce(aggregated.net_amount, 0) as decimal(18, 2)) as net_amount,
        cast(coalesce(aggregated.net_amount_365d, 0) as decimal(18, 2))
            as net_amount_365d,
        aggregated.first_order_date,
        aggregated.last_order_date,
        aggregated.days_since_last_order,
        coalesce(aggregated.ordering_customer_count_365d, 0)
            as ordering_customer_count_365d,

        coalesce(aggregated.session_count_90d, zeros.sessions) as session_count_90d,
        coalesce(aggregated.usage_count_30d, zeros.product_usage) as usage_count_30d,
        coalesce(aggregated.usage_day_count_30d, zeros.product_usage)
            as usage_day_count_30d,
        coalesce(aggregated.used_feature_count_30d, zeros.product_usage)
            as used_feature_count_30d,
        aggregated.days_since_last_use,
        coalesce(aggregated.active_subscription_count, zeros.subscriptions)
            as active_subscription_count,
        coalesce(aggregated.seat_count, zeros.subscriptions) as seat_count,
        cast(
            coalesce(aggregated.monthly_recurring_amount, zeros.subscriptions)
            as decimal(18, 2)
        ) as monthly_recurring_amount,
        coalesce(aggregated.complaint_count_30d, zeros.feedback) as complaint_count_30d,
        coalesce(aggregated.open_ticket_count, zeros.feedback) as open_ticket_count

    from companies

    cross join zeros

    left join aggregated on companies.company_id = aggregated.company_id

),

compared as (

    select
        *,
        -- A range frame takes equal amounts together, so equal companies share a tier.
        sum(greatest(net_amount_365d, 0)) over (
            order by net_amount_365d desc
            range between unbounded preceding and current row
        ) as amount_down_to_here,
        sum(net_amount_365d) over (partition by net_amount_365d) as amount_of_equals,
        sum(greatest(net_amount_365d, 0)) over () as amount_in_all

    from joined

),

shared as (

    select
        as_of_date,
        company_id,

        industry,
        employee_count,
        annual_revenue,
        ownership_type,
        technologies,
        country_code,
        parent_company_id,

        customer_count,
        decision_maker_count,
        decision_role,
        relationship_days,

        order_count,
        order_count_365d,
        net_amount,
        net_amount_365d,
        first_order_date,
        last_order_date,
        days_since_last_order,
        ordering_customer_count_365d,

        session_count_90d,
        usage_count_30d,
        usage_day_count_30d,
        used_feature_count_30d,
        days_since_last_use,
        active_subscription_count,
        seat_count,
        monthly_recurring_amount,
        complaint_count_30d,
        open_ticket_count,

        {{ ratio(
            'case when net_amount_365d > 0 then amount_down_to_here - amount_of_equals end',
            'amount_in_all'
        ) }}
            as revenue_share_above

    from compared

)

select * from shared
