{%- set judged = {'orders': 'int_judged_orders', 'sessions': 'int_judged_sessions'} -%}
{%- set tables = [
    'customers', 'orders', 'sessions', 'order_items', 'companies', 'campaign_events',
    'feedback', 'consents', 'survey_answers', 'product_usage', 'subscriptions',
    'exchange_rates', 'customer_merges', 'erasure_requests'
] -%}
with

{% for table in tables %}
{{ table }} as (

    select
        '{{ table }}' as source,
        count(*) as row_count,
        count(*) filter (where quarantine_reason not in ('duplicate', 'superseded'))
            as refused_count

    from {{ ref(judged.get(table, 'stg_' ~ table)) }}

),

{% endfor %}
unioned as (

    {% for table in tables %}
    select * from {{ table }}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select * from unioned
