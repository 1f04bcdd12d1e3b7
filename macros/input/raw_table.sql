{% macro raw_table(table, with_erased=false) %}
    {%- if with_erased or not keys_of_persons(table) -%}
        {{ every_raw_row(table) }}
    {%- else -%}
        select raw_rows.*
        from ({{ every_raw_row(table) }}) as raw_rows
        where not ({{ is_erased(table) }})
    {%- endif -%}
{% endmacro %}

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
        select 1 from {{ ref('stg_erased_keys') }} as erased_keys
        where erased_keys.key_type = '{{ key_type }}' and erased_keys.key_hash = md5({{ clean_text(column) }})
    )
    {%- endfor %}
{%- endmacro %}

{% macro every_raw_row(table) %}
    {%- if var('raw') == 'sample' -%}
        select * from {{ ref('sample_' ~ table) }}
    {%- else -%}
        {#- Called while parsing too, so that dbt learns what staging depends on. -#}
        {%- set raw = var('raw') if var('raw') is mapping else {} -%}
        {%- set entry = (raw.get('tables') or {}).get(table) -%}
        {%- set relation = raw_relation(table, entry) if entry is mapping -%}
        {%- if not execute -%}
            select 1
        {%- elif entry is mapping and not entry.get('columns') -%}
            select * from {{ relation }}
        {%- else -%}
            {%- set columns = (entry or {}).get('columns', {}) %}
            select
            {%- for name, column in graph.sources['source.customer_segmentation.raw.' ~ table].columns.items() %}
                {{ columns.get(name) or "cast(null as " ~ column.data_type | replace('varchar', text_type()) ~ ")" }} as {{ name }}
                {{- "," if not loop.last }}
            {%- endfor %}
            {{ "from " ~ relation if relation else "where false" }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{% macro raw_relation(table, entry) %}
    {%- set file = entry.get('file') or var('raw').get('files') -%}
    {%- if entry.get('model') -%}
        {{ return(ref(project_name, entry.model)) }}
    {%- elif file -%}
        {%- set path = file | replace('{table}', entry.get('identifier') or table) -%}
        {%- set literal = dbt.string_literal(dbt.escape_single_quotes(path)) -%}
        {%- if path.endswith('.parquet') -%}
            {{ return("read_parquet(" ~ literal ~ ")") }}
        {%- endif -%}
        {#- Everything said, so that nothing is guessed: a guess once read 1 of 51 rows without an error. -#}
        {{ return(
            "read_csv(" ~ literal ~ ", header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"', "
            ~ "comment = '', skip = 0)"
        ) }}
    {%- else -%}
        {{ return(source('raw', table)) }}
    {%- endif -%}
{% endmacro %}
