{#- Longer than any life: a window that looks back without an end. -#}
{%- set rfm_window_days = var('rfm_window_days') or 100000 -%}
{%- set amount_windows = [
    ('net_amount_30d', 30),
    ('net_amount_90d', 90),
    ('net_amount_365d', 365),
    ('monetary_amount', rfm_window_days),
] -%}

{#- Not one import for all of them: DuckDB would then aggregate in all ways at a
    time, in twice the memory. -#}
with

with_gaps as (

    select
        customer_id,

        (lag(age_days) over in_order) - age_days as gap_days,
        (lead(age_days) over in_order) is null as is_last

    from {{ ref('int_known_orders') }}

    where is_order

    -- Orders of one day are 0 days apart whichever comes first: no key is needed.
    window in_order as (
        partition by customer_id
        order by age_days desc
    )

),

ranked_gaps as (

    select
        customer_id,
        gap_days,
        is_last,

        -- Equal gaps are the same in any order.
        row_number() over (
            partition by customer_id
            order by gap_days asc
        ) as gap_number,
        count(*) over (partition by customer_id) as gap_count

    from with_gaps

    where gap_days is not null

),

-- The median is the one or two in the middle: DuckDB's own keeps all gaps in memory.
rhythm as (

    select
        customer_id,

        cast(
            avg(gap_days) filter (
                where 2 * gap_number between gap_count and gap_count + 2
            ) as decimal(18, 1)
        ) as median_gap_days,
        max(gap_days) filter (where is_last) as last_gap_days

    from ranked_gaps

    group by customer_id

),

days as (

    select
        business_date,

        count(*) as order_count,
        count(*) filter (where discount_amount > 0 or has_coupon)
            as discounted_order_count

    from {{ ref('int_known_orders') }}

    where is_order

    group by business_date

),

-- What was on offer in the month of the day: in whole millionths, which add up exactly.
offers as (

    select
        business_date,

        cast(1000000 * {{ share(
            'sum(discounted_order_count) over in_month',
            'sum(order_count) over in_month'
        ) }} as integer)
            as discount_millionths

    from days

    window in_month as (
        partition by
            extract(year from business_date), extract(month from business_date)
    )

),

orders as (

    select * from {{ ref('int_known_orders') }}

),

with_offers as (

    select
        orders.*,
        offers.discount_millionths

    from orders

    left join offers on orders.business_date = offers.business_date

),

aggregated as (

    select
        customer_id,

        count(*) filter (where is_order) as order_count,
        {% for days in [30, 90, 365] %}
        count(*) filter (where is_order and age_days < {{ days }})
            as order_count_{{ days }}d,
        {% endfor %}
        min(business_date) filter (where is_order) as first_order_date,
        max(business_date) filter (where is_order) as last_order_date,
        max(age_days) filter (where is_order) as days_since_first_order,
        min(age_days) filter (where is_order) as days_since_last_order,

        cast(sum(order_amount) - sum(refunded_amount) as decimal(18, 2)) as net_amount,
        {% for name, days in amount_windows %}
        cast(
            sum(case when age_days < {{ days }} then order_amount else 0 end)
            - sum(
                case when refund_age_days < {{ days }} then refunded_amount else 0 end
            ) as decimal(18, 2)
        ) as {{ name }},
        {% endfor %}
        cast(sum(gross_amount) as decimal(18, 2)) as gross_amount,
        cast(sum(discount_amount) as decimal(18, 2)) as discount_amount,
        cast(sum(refunded_amount) as decimal(18, 2)) as refunded_amount,

        count(*) filter (where is_order and age_days < {{ rfm_window_days }})
            as frequency,

        sum(item_count) as item_count,

        count(*) filter (where is_order and (discount_amount > 0 or has_coupon))
            as discounted_order_count,
        cast(sum(case when is_order then discount_millionths end) as bigint)
            as offered_discount_millionths,
        count(*) filter (where is_order and has_coupon) as coupon_order_count,
        count(*) filter (where is_order and refunded_amount > 0)
            as refunded_order_count,
        count(*) filter (where is_order and weekday_number >= 6) as weekend_order_count,
        count(*) filter (where is_order and business_hour >= 18) as evening_order_count,
        count(*) filter (where is_gift) as gift_order_count,
        count(*) filter (where is_order and month_number in (3, 4, 5))
            as spring_order_count,
        count(*) filter (where is_order and month_number in (6, 7, 8))
            as summer_order_count,
        count(*) filter (where is_order and month_number in (9, 10, 11))
            as autumn_order_count,
        count(*) filter (where is_order and month_number in (12, 1, 2))
            as winter_order_count,
        count(*) filter (where is_order and sales_channel in ('web', 'app', 'online'))
            as online_order_count,
        count(*) filter (where is_order and sales_channel in ('shop', 'store'))
            as shop_order_count,
        count(*) filter (where is_order and sales_channel is not null)
            as channel_order_count

    from with_offers

    group by customer_id

),

{% for attribute in ['sales_channel', 'category', 'payment_method'] %}
ranked_by_{{ attribute }} as (

    select
        customer_id,
        {{ attribute }},

        -- A tie goes to what was ordered last.
        row_number() over (
            partition by customer_id
            order by
                count(*) desc, max(ordered_at) desc, {{ text_order(attribute) }} asc
        ) as preference

    from {{ ref('int_known_orders') }}

    where is_order and {{ attribute }} is not null

    group by customer_id, {{ attribute }}

),

{% endfor %}
occasion_days as (

    select * from {{ ref('int_occasion_days') }}

),

dated_orders as (

    select
        customer_id,
        ordered_at,
        business_date

    from {{ ref('int_known_orders') }}

    where is_order

),

on_occasions as (

    select
        dated_orders.customer_id,
        dated_orders.ordered_at,
        occasion_days.occasion

    from dated_orders

    inner join occasion_days
        on dated_orders.business_date = occasion_days.business_date

),

ranked_by_occasion as (

    select
        customer_id,
        occasion,

        count(*) as order_count,
        row_number() over (
            partition by customer_id
            order by
                count(*) desc, max(ordered_at) desc, {{ text_order('occasion') }} asc
        ) as preference

    from on_occasions

    group by customer_id, occasion

),

joined as (

    select
        aggregated.*,
        rhythm.median_gap_days,
        rhythm.last_gap_days,
        ranked_by_sales_channel.sales_channel as preferred_sales_channel,
        ranked_by_category.category as preferred_category,
        ranked_by_payment_method.payment_method as preferred_payment_method,
        ranked_by_occasion.occasion as preferred_occasion,
        coalesce(ranked_by_occasion.order_count, 0) as occasion_order_count

    from aggregated

    left join rhythm on aggregated.customer_id = rhythm.customer_id
    {% for attribute in ['sales_channel', 'category', 'payment_method', 'occasion'] %}
    left join ranked_by_{{ attribute }}
        on
            aggregated.customer_id = ranked_by_{{ attribute }}.customer_id
            and ranked_by_{{ attribute }}.preference = 1
    {% endfor %}
)

select * from joined
