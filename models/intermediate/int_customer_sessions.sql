with

sessions as (

    select * from {{ ref('int_sessions') }}

),

visitors as (

    select * from {{ ref('int_visitors') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

-- No session after the as-of date gets past here, nor one of a visitor unknown by then.
known_by_then as (

    select
        coalesce(sessions.customer_id, visitors.customer_id) as customer_id,
        sessions.business_date,
        sessions.started_at,
        sessions.duration_seconds,
        sessions.device_type,
        sessions.traffic_source,
        sessions.page_views,
        sessions.product_views,
        sessions.searches,
        sessions.cart_additions,
        sessions.checkouts,
        sessions.shares,
        cast({{ dbt.datediff(
            'sessions.business_date', 'as_of.as_of_date', 'day'
        ) }} as integer)
            as age_days

    from sessions

    left join visitors
        on
            sessions.visitor_id = visitors.visitor_id
            and sessions.customer_id is null

    cross join as_of

    where
        sessions.business_date <= as_of.as_of_date
        and (
            sessions.customer_id is not null
            or visitors.first_login_date <= as_of.as_of_date
        )

),

aggregated as (

    select
        customer_id,

        count(*) as session_count,
        {% for days in [30, 90, 365] %}
        count(*) filter (where age_days < {{ days }}) as session_count_{{ days }}d,
        {% endfor %}
        min(business_date) as first_session_date,
        max(business_date) as last_session_date,
        min(age_days) as days_since_last_session,
        sum(page_views) as page_view_count,
        sum(product_views) as product_view_count,
        sum(searches) as search_count,
        sum(cart_additions) as cart_addition_count,
        sum(checkouts) as checkout_count,
        sum(shares) as share_count,
        count(*) filter (where cart_additions > 0) as cart_session_count,
        count(*) filter (where cart_additions > 0 and coalesce(checkouts, 0) = 0)
            as abandoned_cart_count,
        sum(duration_seconds) as session_seconds

    from known_by_then

    group by customer_id

),

{% for attribute in ['device_type', 'traffic_source'] %}
ranked_by_{{ attribute }} as (

    select
        customer_id,
        {{ attribute }},

        -- A tie goes to what was used last.
        row_number() over (
            partition by customer_id
            order by
                count(*) desc, max(started_at) desc, {{ text_order(attribute) }} asc
        ) as preference,
        count(*) over (partition by customer_id) as {{ attribute }}_count

    from known_by_then

    where {{ attribute }} is not null

    group by customer_id, {{ attribute }}

),

{% endfor %}
joined as (

    select
        aggregated.*,
        ranked_by_device_type.device_type as preferred_device_type,
        coalesce(ranked_by_device_type.device_type_count, 0) as device_type_count,
        ranked_by_traffic_source.traffic_source as preferred_traffic_source,
        coalesce(ranked_by_traffic_source.traffic_source_count, 0)
            as traffic_source_count

    from aggregated
    {% for attribute in ['device_type', 'traffic_source'] %}
    left join ranked_by_{{ attribute }}
        on
            aggregated.customer_id = ranked_by_{{ attribute }}.customer_id
            and ranked_by_{{ attribute }}.preference = 1
    {% endfor %}
)

select * from joined
