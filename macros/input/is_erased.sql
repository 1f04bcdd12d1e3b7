{# Nothing to look for where nobody can ask to be erased. #}
{% macro keys_of_persons(table) %}
    {%- set asked = var('raw') == 'sample' or (var('raw') is mapping and (var('raw').get('tables') or {}).get('erasure_requests')
        is not none) -%}
    {%- set keys = {
        'order_items': [('order', 'order_id')],
        'sessions': [('customer', 'customer_id'), ('visitor', 'case when ' ~ clean_text('customer_id') ~ ' is null then visitor_id end')],
        'customer_merges': [('customer', 'customer_id'), ('customer', 'merged_into_customer_id')],
        'companies': [],
        'exchange_rates': [],
        'erasure_requests': []
    } -%}
    {{ return(keys.get(table, [('customer', 'customer_id')]) if asked else []) }}
{% endmacro %}

{% macro is_erased(table) %}
    {%- for key_type, column in keys_of_persons(table) %}
    {{ "or " if not loop.first }}exists (
        select erased_keys.key_hash from {{ ref('stg_erased_keys') }} as erased_keys
        where erased_keys.key_type = '{{ key_type }}' and erased_keys.key_hash = md5({{ clean_text(column) }})
    )
    {%- endfor %}
{%- endmacro %}
