{%- set keys = {
    'customers': 'customer_id',
    'orders': 'order_id',
    'sessions': 'session_id',
    'order_items': 'order_item_id',
    'companies': 'company_id',
    'campaign_events': 'campaign_event_id',
    'feedback': 'feedback_id',
    'consents': 'consent_id',
    'survey_answers': 'answer_id',
    'product_usage': 'usage_id',
    'subscriptions': 'subscription_id',
    'exchange_rates': "currency || ' ' || cast(rate_date as " ~ text_type() ~ ")",
    'customer_merges': 'customer_id',
    'erasure_requests': 'customer_id_hash'
} -%}
{%- set nothing = "cast(null as " ~ text_type() ~ ")" -%}
{%- set missing_rate -%}
    case
        when quarantine_reason = 'missing_rate'
            then
                currency || ' ' || cast(
                    cast({{ business_time('ordered_at') }} as date) as {{ text_type() }}
                )
    end
{%- endset -%}
with

{% for table, key in keys.items() %}
{% if keys_of_persons(table) %}
raw_{{ table }} as (

    {{ raw_table(table) }}

),

{% endif %}
refused_{{ table }} as (

    select
        '{{ table }}' as source,
        quarantine_reason as reason,
        -- Hashed: a key may be an e-mail address.
        md5({{ key }}) as row_key_hash,
        {{ missing_rate if table == 'orders' else nothing }} as detail

    from {{ ref('stg_' ~ table) }}

    where quarantine_reason is not null

    {% if keys_of_persons(table) %}
    union all

    -- Nothing is told but that the raw table still has it.
    select
        '{{ table }}' as source,
        'erased' as reason,
        md5({{ clean_text(key) }}) as row_key_hash,
        {{ nothing }} as detail

    from raw_{{ table }}

    where {{ is_erased(table) }}

    {% endif %}
),

{% endfor %}
unioned as (

    {% for table in keys %}
    select * from refused_{{ table }}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select * from unioned
