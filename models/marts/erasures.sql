{#- Every table that keeps such keys: a test compares this with all models. A device
    that somebody else logs in with is also theirs. -#}
{%- set anonymous_visitor = 'case when customer_id is null then visitor_id end' -%}
{%- set columns = {
    'customer': [
        ('int_customers', 'customer_id'),
        ('int_merged_customers', 'customer_id'),
        ('int_merged_customers', 'merged_into_customer_id'),
        ('int_judged_orders', 'customer_id'),
        ('int_judged_orders', 'given_up_customer_id'),
        ('int_judged_sessions', 'customer_id'),
        ('int_judged_sessions', 'given_up_customer_id'),
        ('int_visitors', 'customer_id'),
        ('int_purchase_histories', 'customer_id'),
        ('int_customer_answers', 'customer_id'),
        ('int_customer_campaigns', 'customer_id'),
        ('int_customer_consents', 'customer_id'),
        ('int_customer_feedback', 'customer_id'),
        ('int_customer_items', 'customer_id'),
        ('int_customer_orders', 'customer_id'),
        ('int_customer_predictions', 'customer_id'),
        ('int_customer_segments', 'customer_id'),
        ('int_customer_sessions', 'customer_id'),
        ('int_customer_subscriptions', 'customer_id'),
        ('int_customer_usage', 'customer_id'),
        ('int_cluster_features', 'customer_id'),
        ('customer_features', 'customer_id'),
        ('customer_rfm_scores', 'customer_id'),
        ('customer_clusters', 'customer_id'),
        ('customer_predictions', 'customer_id'),
        ('customer_scores', 'customer_id'),
        ('customer_segments', 'customer_id'),
        ('customers', 'customer_id')
    ],
    'order': [('int_judged_orders', 'order_id')],
    'visitor': [('int_judged_sessions', anonymous_visitor)]
} -%}
with

erased_keys as (

    select * from {{ ref('stg_erased_keys') }}

),

{% for key_type, pairs in columns.items() %}
{{ key_type }}_keys as (

    {% for table, column in pairs %}
    select
        '{{ key_type }}' as key_type,
        md5({{ column }}) as key_hash

    from {{ ref(table) }}

    {{ "union all" if not loop.last }}
    {% endfor %}
),

{% endfor %}
unioned as (

    {% for key_type in columns %}
    select * from {{ key_type }}_keys
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- An inner join: where nobody asked, the tables need not be read.
remaining as (

    select
        erased_keys.customer_id_hash,

        count(*) as row_count

    from unioned

    inner join erased_keys
        on
            unioned.key_type = erased_keys.key_type
            and unioned.key_hash = erased_keys.key_hash

    group by erased_keys.customer_id_hash

),

proven as (

    select
        erased_keys.customer_id_hash,
        cast({{ business_time('erased_keys.requested_at') }} as date)
            as requested_date,
        {{ columns.values() | map('length') | sum }} as column_count,
        cast(coalesce(remaining.row_count, 0) as bigint) as remaining_row_count

    from erased_keys

    left join remaining
        on erased_keys.customer_id_hash = remaining.customer_id_hash

    where erased_keys.key_type = 'customer'

)

select * from proven
