-- Counted apart: the raw tables, what left staging, and the quarantine.
{%- set tables = [
    'customers', 'orders', 'sessions', 'order_items', 'companies', 'campaign_events',
    'feedback', 'consents', 'survey_answers', 'product_usage', 'subscriptions',
    'exchange_rates', 'customer_merges', 'erasure_requests'
] %}
with

staged_customers as (

    select * from {{ ref('stg_customers') }}

),

merged_customers as (

    select * from {{ ref('int_merged_customers') }}

),

customers_kept as (

    select customer_id from {{ ref('int_customers') }}

    union all

    -- Accounts that were given up are kept in those that go on.
    select staged_customers.customer_id

    from staged_customers

    inner join merged_customers
        on staged_customers.customer_id = merged_customers.customer_id

    where staged_customers.quarantine_reason is null

),

orders_kept as (

    select * from {{ ref('int_orders') }}

),

sessions_kept as (

    select * from {{ ref('int_sessions') }}

),

{% for table in tables[3:] %}
{{ table }}_kept as (

    select * from {{ ref('stg_' ~ table) }}

    where quarantine_reason is null

),

{% endfor %}
counted as (

    {% for table in tables %}
    select
        '{{ table }}' as source,
        (select count(*) from ({{ raw_table(table) }}) as raw_rows) as raw_count,
        (select count(*) from {{ table }}_kept) as kept_count
    {{ "union all" if not loop.last }}
    {% endfor %}
),

quarantined as (

    select
        source,
        count(*) as quarantined_count

    from {{ ref('quarantined_rows') }}

    group by source

),

differing as (

    select
        counted.source,
        counted.raw_count,
        counted.kept_count,
        quarantined.quarantined_count

    from counted

    left join quarantined on counted.source = quarantined.source

    where
        counted.raw_count
        <> counted.kept_count + coalesce(quarantined.quarantined_count, 0)

)

select * from differing
