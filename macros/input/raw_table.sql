{% macro raw_table(table) %}
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
