-- The leanest SQL that gives customer_features and customer_rfm_scores, cell for cell, on files without a fault: no key
-- is cleaned, no copy looked for, nothing is kept between raw tables and result. Needs the variable as_of.
create temp macro exact_share(part, whole) as cast(
    (part * 2000000 + whole) // (2 * nullif(whole, 0)) * cast(0.000001 as decimal(9, 6)) as decimal(9, 6)
);

create temp macro exact_ratio(part, whole) as cast(
    sign(part) * (
        (abs(cast(part * 100 as hugeint)) * 2000000 + cast(nullif(whole, 0) * 100 as hugeint))
        // (2 * cast(nullif(whole, 0) * 100 as hugeint))
    ) * cast(0.000001 as decimal(18, 6)) as decimal(18, 6)
);

create temp macro exact_tenths(part, whole) as cast(
    (cast(part * 10 as hugeint) * 2 + cast(nullif(whole, 0) as hugeint))
    // (2 * cast(nullif(whole, 0) as hugeint)) * cast(0.1 as decimal(18, 1)) as decimal(18, 1)
);

create temp macro exact_cents(part, whole) as cast(
    sign(part) * (
        (abs(cast(part * 100 as hugeint)) * 200 + cast(nullif(whole, 0) * 100 as hugeint))
        // (2 * cast(nullif(whole, 0) * 100 as hugeint))
    ) * cast(0.01 as decimal(18, 2)) as decimal(18, 2)
);

create temp table occasions as
select
    occasion,
    year,
    cast(replace(first_day, '-', '') as integer) as first_day,
    cast(replace(last_day, '-', '') as integer) as last_day
from read_csv('seeds/occasions.csv', types = {'year': 'integer', 'first_day': 'varchar', 'last_day': 'varchar'});

create temp view known_orders as
select
    customer_id,
    ordered_at,
    cast(ordered_at as date) as day,
    gross_amount >= 0 and status <> 'credit_note' as is_order,
    getvariable('as_of') - cast(ordered_at as date) as age,
    getvariable('as_of') - cast(coalesce(refunded_at, ordered_at) as date) as refund_age,
    month(ordered_at) as month_number,
    isodow(ordered_at) as weekday_number,
    hour(ordered_at) as hour_number,
    greatest(gross_amount, 0) as gross,
    discount_amount as discount,
    gross - coalesce(discount, 0) as amount,
    case when refund_age >= 0 then coalesce(refunded_amount, 0) + greatest(-gross_amount, 0) else 0 end as refund,
    item_count,
    category,
    sales_channel,
    payment_method,
    coupon_code is not null as has_coupon,
    is_gift
from orders
anti join (select customer_id from customers where is_test_account) as testers using (customer_id)
where
    customer_id is not null
    and age >= 0
    and coalesce(
        cast(case when status = 'cancelled' then coalesce(cancelled_at, ordered_at) else cancelled_at end as date)
        > getvariable('as_of'),
        true
    );

create temp table days as
select day, cast(1000000 * exact_share(sum(discounted) over in_month, sum(orders) over in_month) as integer) as offered
from (
    select day, count(*) as orders, count(*) filter (discount > 0 or has_coupon) as discounted
    from known_orders
    where is_order
    group by day
)
window in_month as (partition by year(day), month(day));

-- None of our occasions runs over New Year.
create temp table occasion_days as
select distinct day, occasion
from days
join occasions
    on 100 * month(day) + day(day) between first_day and last_day
    and (year is null or year = year(day));

create temp table order_features as
with

sums as (
    select
        customer_id,
        count(*) filter (is_order) as order_count,
        count(*) filter (is_order and age < 30) as order_count_30d,
        count(*) filter (is_order and age < 90) as order_count_90d,
        count(*) filter (is_order and age < 365) as order_count_365d,
        max(age) filter (is_order) as days_since_first_order,
        min(age) filter (is_order) as days_since_last_order,
        sum(amount) - sum(refund) as net_amount,
        coalesce(sum(amount) filter (age < 30), 0)
        - coalesce(sum(refund) filter (refund_age < 30), 0) as net_amount_30d,
        coalesce(sum(amount) filter (age < 90), 0)
        - coalesce(sum(refund) filter (refund_age < 90), 0) as net_amount_90d,
        coalesce(sum(amount) filter (age < 365), 0)
        - coalesce(sum(refund) filter (refund_age < 365), 0) as net_amount_365d,
        sum(gross) as gross_amount,
        sum(discount) as discount_amount,
        sum(refund) as refunded_amount,
        sum(item_count) as item_count,
        count(*) filter (is_order and (discount > 0 or has_coupon)) as discounted,
        sum(offered) filter (is_order) as offered,
        count(*) filter (is_order and has_coupon) as coupons,
        count(*) filter (is_order and refund > 0) as refunds,
        count(*) filter (is_order and weekday_number >= 6) as weekend,
        count(*) filter (is_order and hour_number >= 18) as evening,
        count(*) filter (is_gift) as gifts,
        count(*) filter (is_order and month_number in (3, 4, 5)) as spring,
        count(*) filter (is_order and month_number in (6, 7, 8)) as summer,
        count(*) filter (is_order and month_number in (9, 10, 11)) as autumn,
        count(*) filter (is_order and month_number in (12, 1, 2)) as winter,
        count(*) filter (is_order and sales_channel in ('web', 'app')) as online,
        count(*) filter (is_order and sales_channel = 'shop') as shop,
        count(*) filter (is_order and sales_channel is not null) as with_channel
    from known_orders
    left join days using (day)
    group by customer_id
),

gaps as (
    select customer_id, lag(age) over in_order - age as gap, lead(age) over in_order is null as is_last
    from known_orders
    where is_order
    window in_order as (partition by customer_id order by age desc)
),

-- quantile_cont would save 2 % of the whole, and runs out of memory at 10 million customers.
ranked_gaps as (
    select
        customer_id,
        gap,
        is_last,
        row_number() over (partition by customer_id order by gap) as gap_number,
        count(*) over (partition by customer_id) as gap_count
    from gaps
    where gap is not null
),

rhythm as (
    select
        customer_id,
        avg(gap) filter (2 * gap_number between gap_count and gap_count + 2) as median_gap_days,
        max(gap) filter (is_last) as last_gap_days
    from ranked_gaps
    group by customer_id
),

by_category_count as (
    select customer_id, category, count(*) as order_count, max(ordered_at) as latest
    from known_orders
    where is_order and category is not null
    group by customer_id, category
),

by_category as (
    select customer_id, category as preferred_category
    from by_category_count
    qualify row_number() over (partition by customer_id order by order_count desc, latest desc, category) = 1
),

by_channel_count as (
    select customer_id, sales_channel, count(*) as order_count, max(ordered_at) as latest
    from known_orders
    where is_order and sales_channel is not null
    group by customer_id, sales_channel
),

by_channel as (
    select customer_id, sales_channel as preferred_sales_channel
    from by_channel_count
    qualify row_number() over (partition by customer_id order by order_count desc, latest desc, sales_channel) = 1
),

by_payment_count as (
    select customer_id, payment_method, count(*) as order_count, max(ordered_at) as latest
    from known_orders
    where is_order and payment_method is not null
    group by customer_id, payment_method
),

by_payment as (
    select customer_id, payment_method as preferred_payment_method
    from by_payment_count
    qualify row_number() over (partition by customer_id order by order_count desc, latest desc, payment_method) = 1
),

by_occasion_count as (
    select customer_id, occasion, count(*) as order_count, max(ordered_at) as latest
    from known_orders
    join occasion_days using (day)
    where is_order
    group by customer_id, occasion
),

by_occasion as (
    select customer_id, occasion as preferred_occasion, order_count as on_occasion
    from by_occasion_count
    qualify row_number() over (partition by customer_id order by order_count desc, latest desc, occasion) = 1
)

select
    sums.*,
    median_gap_days,
    last_gap_days,
    preferred_category,
    preferred_sales_channel,
    preferred_payment_method,
    preferred_occasion,
    on_occasion
from sums
left join rhythm using (customer_id)
left join by_category using (customer_id)
left join by_channel using (customer_id)
left join by_payment using (customer_id)
left join by_occasion using (customer_id);

create temp table gaps as
select
    cast(sum(days_since_first_order - days_since_last_order) as bigint) as gap_days,
    cast(sum(order_count - 1) as bigint) as gap_count
from order_features
where order_count > 0;

create temp table job_titles as
select job_title, arg_min(decision_role, (priority, keyword)) as decision_role
from (select distinct job_title from customers)
join read_csv('seeds/job_roles.csv')
    on ' ' || lower(translate(job_title, ',;:./|&+()-_', '            ')) || ' ' like '% ' || keyword || ' %'
group by job_title;

create temp table visitors as
select visitor_id, arg_min(customer_id, (first_login_at, customer_id)) as owner, min(first_login_at) as first_login_at
from (
    select visitor_id, customer_id, min(started_at) as first_login_at
    from sessions
    where visitor_id is not null and customer_id is not null
    group by visitor_id, customer_id
)
group by visitor_id;

create temp table session_features as
with

known_sessions as (
    select
        coalesce(sessions.customer_id, visitors.owner) as customer_id,
        started_at,
        getvariable('as_of') - cast(started_at as date) as age,
        case when ended_at >= started_at then datediff('second', started_at, ended_at) end as seconds,
        device_type,
        traffic_source,
        page_views,
        product_views,
        searches,
        cart_additions,
        checkouts,
        shares
    from sessions
    left join visitors on sessions.visitor_id = visitors.visitor_id and sessions.customer_id is null
    where
        cast(started_at as date) <= getvariable('as_of')
        and (sessions.customer_id is not null or cast(first_login_at as date) <= getvariable('as_of'))
),

sums as (
    select
        customer_id,
        count(*) as session_count,
        count(*) filter (age < 30) as session_count_30d,
        count(*) filter (age < 90) as session_count_90d,
        count(*) filter (age < 365) as session_count_365d,
        max(age) as days_since_first_session,
        min(age) as days_since_last_session,
        sum(page_views) as page_view_count,
        sum(product_views) as product_view_count,
        sum(searches) as search_count,
        sum(cart_additions) as cart_addition_count,
        sum(checkouts) as checkout_count,
        sum(shares) as share_count,
        count(*) filter (cart_additions > 0) as cart_session_count,
        count(*) filter (cart_additions > 0 and coalesce(checkouts, 0) = 0) as abandoned,
        sum(seconds) as session_seconds
    from known_sessions
    group by customer_id
),

by_device_count as (
    select customer_id, device_type, count(*) as session_count, max(started_at) as latest
    from known_sessions
    where device_type is not null
    group by customer_id, device_type
),

by_device as (
    select customer_id, device_type as preferred_device_type, count(*) over (partition by customer_id) as device_type_count
    from by_device_count
    qualify row_number() over (partition by customer_id order by session_count desc, latest desc, device_type) = 1
),

by_source_count as (
    select customer_id, traffic_source, count(*) as session_count, max(started_at) as latest
    from known_sessions
    where traffic_source is not null
    group by customer_id, traffic_source
),

by_source as (
    select
        customer_id,
        traffic_source as preferred_traffic_source,
        count(*) over (partition by customer_id) as traffic_source_count
    from by_source_count
    qualify row_number() over (partition by customer_id order by session_count desc, latest desc, traffic_source) = 1
)

select sums.*, preferred_device_type, device_type_count, preferred_traffic_source, traffic_source_count
from sums
left join by_device using (customer_id)
left join by_source using (customer_id);

-- Whoever came without a date of opening came with what they did first.
create temp table newcomers as
select customer_id
from (select customer_id, ordered_at as moment from orders union all select customer_id, started_at from sessions)
semi join (from customers where created_at is null) using (customer_id)
group by customer_id
having cast(min(moment) as date) > getvariable('as_of');

create table customer_features as
select
    getvariable('as_of') as as_of_date,
    customers.customer_id,
    case when created_at < getvariable('as_of') + 1 then cast(created_at as date) end as created_date,
    cast(greatest(
        getvariable('as_of') - cast(created_at as date), days_since_first_order, days_since_first_session
    ) as integer) as tenure_days,
    cast(year(getvariable('as_of')) - year(birth_date) as integer) as age_years,
    gender,
    household_size,
    income_band,
    language,
    country_code,
    region,
    city,
    acquisition_source,
    decision_role,
    coalesce(order_count, 0) as order_count,
    coalesce(order_count_30d, 0) as order_count_30d,
    coalesce(order_count_90d, 0) as order_count_90d,
    coalesce(order_count_365d, 0) as order_count_365d,
    getvariable('as_of') - cast(days_since_first_order as integer) as first_order_date,
    getvariable('as_of') - cast(days_since_last_order as integer) as last_order_date,
    cast(days_since_first_order as integer) as days_since_first_order,
    cast(days_since_last_order as integer) as days_since_last_order,
    cast(coalesce(net_amount, 0) as decimal(18, 2)) as net_amount,
    cast(coalesce(net_amount_30d, 0) as decimal(18, 2)) as net_amount_30d,
    cast(coalesce(net_amount_90d, 0) as decimal(18, 2)) as net_amount_90d,
    cast(coalesce(net_amount_365d, 0) as decimal(18, 2)) as net_amount_365d,
    cast(coalesce(refunded_amount, 0) as decimal(18, 2)) as refunded_amount,
    exact_cents(net_amount, order_count) as average_order_amount,
    coalesce(order_count_365d, 0) as frequency,
    cast(coalesce(net_amount_365d, 0) as decimal(18, 2)) as monetary_amount,
    cast(item_count as bigint) as item_count,
    exact_ratio(item_count, order_count) as items_per_order,
    cast(median_gap_days as decimal(18, 1)) as median_gap_days,
    cast(last_gap_days as integer) as last_gap_days,
    exact_tenths(
        2 * gap_days + coalesce((order_count - 1) * cast(median_gap_days as decimal(18, 1)), 0) * gap_count,
        case when order_count > 0 then (order_count + 1) * gap_count end
    ) as expected_gap_days,
    exact_ratio(
        days_since_last_order, case when expected_gap_days < 1 then 1 else expected_gap_days end
    ) as order_lateness,
    exact_share(discounted, order_count) as discount_order_share,
    exact_share(offered, 1000000 * order_count) as offered_discount_share,
    exact_ratio(1000000 * discounted, offered) as discount_lift,
    exact_share(coupons, order_count) as coupon_order_share,
    exact_share(refunds, order_count) as refund_order_share,
    exact_share(weekend, order_count) as weekend_order_share,
    exact_share(evening, order_count) as evening_order_share,
    exact_share(gifts, order_count) as gift_order_share,
    exact_share(spring, order_count) as spring_order_share,
    exact_share(summer, order_count) as summer_order_share,
    exact_share(autumn, order_count) as autumn_order_share,
    exact_share(winter, order_count) as winter_order_share,
    exact_share(online, with_channel) as online_order_share,
    exact_share(shop, with_channel) as shop_order_share,
    exact_ratio(discount_amount, gross_amount) as discount_amount_share,
    preferred_sales_channel,
    preferred_category,
    preferred_payment_method,
    preferred_occasion,
    exact_share(coalesce(on_occasion, 0), order_count) as occasion_order_share,
    coalesce(session_count, 0) as session_count,
    coalesce(session_count_30d, 0) as session_count_30d,
    coalesce(session_count_90d, 0) as session_count_90d,
    coalesce(session_count_365d, 0) as session_count_365d,
    getvariable('as_of') - cast(days_since_first_session as integer) as first_session_date,
    getvariable('as_of') - cast(days_since_last_session as integer) as last_session_date,
    cast(days_since_last_session as integer) as days_since_last_session,
    cast(page_view_count as bigint) as page_view_count,
    cast(product_view_count as bigint) as product_view_count,
    cast(search_count as bigint) as search_count,
    cast(cart_addition_count as bigint) as cart_addition_count,
    cast(checkout_count as bigint) as checkout_count,
    cast(share_count as bigint) as share_count,
    cart_session_count,
    exact_share(abandoned, cart_session_count) as cart_abandonment_share,
    cast(session_seconds as bigint) as session_seconds,
    exact_cents(session_seconds, session_count) as average_session_seconds,
    exact_ratio(coalesce(order_count - shop, 0), session_count) as orders_per_session,
    coalesce(device_type_count, 0) as device_type_count,
    preferred_device_type,
    coalesce(traffic_source_count, 0) as traffic_source_count,
    preferred_traffic_source
from customers
cross join gaps
left join order_features using (customer_id)
left join session_features using (customer_id)
left join job_titles using (job_title)
where
    not is_test_account
    and (
        (created_at is null and customers.customer_id not in (from newcomers))
        or created_at < getvariable('as_of') + 1
        or order_features.customer_id is not null
        or session_features.customer_id is not null
    );

create table customer_rfm_scores as
with

buyers as (
    select -days_since_last_order as recency, frequency, monetary_amount
    from customer_features
    where frequency > 0
),

ranked as (
    select metric, metric_value, buyers, sum(buyers) over up_to_here - buyers as below, sum(buyers) over in_all as total
    from (
        select 'r' as metric, recency as metric_value, count(*) as buyers from buyers group by recency
        union all
        select 'f', frequency, count(*) from buyers group by frequency
        union all
        select 'm', monetary_amount, count(*) from buyers group by monetary_amount
    )
    window up_to_here as (partition by metric order by metric_value), in_all as (partition by metric)
),

cuts as (
    select
        list(cut order by score) filter (metric = 'r') as r,
        list(cut order by score) filter (metric = 'f') as f,
        list(cut order by score) filter (metric = 'm') as m
    from (
        select metric, score, min(metric_value) filter (below * 5 >= total * score) as cut
        from ranked
        cross join (values (1), (2), (3), (4)) as scores (score)
        group by metric, score
    )
),

scored as (
    select
        as_of_date,
        customer_id,
        days_since_last_order,
        frequency,
        monetary_amount,
        case when order_count > 0 then 1 + coalesce(cast(-days_since_last_order >= r[1] as integer), 0) + coalesce(cast(-days_since_last_order >= r[2] as integer), 0) + coalesce(cast(-days_since_last_order >= r[3] as integer), 0) + coalesce(cast(-days_since_last_order >= r[4] as integer), 0) end as r_score,
        case when order_count > 0 then 1 + coalesce(cast(frequency >= f[1] as integer), 0) + coalesce(cast(frequency >= f[2] as integer), 0) + coalesce(cast(frequency >= f[3] as integer), 0) + coalesce(cast(frequency >= f[4] as integer), 0) end as f_score,
        case when order_count > 0 then 1 + coalesce(cast(monetary_amount >= m[1] as integer), 0) + coalesce(cast(monetary_amount >= m[2] as integer), 0) + coalesce(cast(monetary_amount >= m[3] as integer), 0) + coalesce(cast(monetary_amount >= m[4] as integer), 0) end as m_score,
        sum(greatest(monetary_amount, 0)) over (order by monetary_amount desc) - sum(monetary_amount) over (
            partition by monetary_amount
        ) as amount_above,
        sum(greatest(monetary_amount, 0)) over () as amount_in_all
    from customer_features
    cross join cuts
)

select
    as_of_date,
    customer_id,
    days_since_last_order,
    frequency,
    monetary_amount,
    r_score,
    f_score,
    m_score,
    100 * r_score + 10 * f_score + m_score as rfm_cell,
    exact_ratio(case when monetary_amount > 0 then amount_above end, amount_in_all) as revenue_share_above,
    case
        when r_score = 5 and f_score >= 4 then 'champions'
        when r_score in (3, 4) and f_score >= 4 then 'loyal'
        when r_score >= 4 and f_score in (2, 3) then 'potential_loyalist'
        when r_score = 5 then 'new'
        when r_score = 4 then 'promising'
        when r_score = 3 and f_score = 3 then 'need_attention'
        when r_score = 3 then 'about_to_sleep'
        when f_score = 5 then 'cant_lose'
        when f_score in (3, 4) then 'at_risk'
        when f_score <= 2 then 'hibernating'
        else 'prospect'
    end as rfm_segment
from scored;
