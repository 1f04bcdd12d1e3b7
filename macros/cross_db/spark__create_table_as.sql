{# A table takes over the comments of a view that it is made from, which can be given all of them at once. That plans
   the query three times; up to nine statements, for a column each, take no longer. The package is named, since these
   macros also serve models of a project that has it. #}
{% macro spark__create_table_as(temporary, relation, compiled_code, language='sql') %}
    {%- set is_worth_it = config.persist_column_docs() and model.columns | length >= 10 -%}
    {%- if temporary or language != 'sql' or not is_worth_it -%}
        {{- return(dbt.spark__create_table_as(temporary, relation, compiled_code, language)) -}}
    {%- endif -%}
    {%- set commented = relation.identifier ~ "__commented" -%}
    {%- set columns = [] -%}
    {%- for name in get_columns_in_query(compiled_code) -%}
        {%- set description = model.columns.get(name, {}).get('description') -%}
        {%- do columns.append(adapter.quote(name) ~ (" comment " ~ customer_segmentation.spark_comment(description) if description else "")) -%}
    {%- endfor -%}
    {%- do run_query("create or replace temporary view " ~ commented ~ " (" ~ columns | join(", ") ~ ") as " ~ compiled_code) -%}
    {{- return(dbt.spark__create_table_as(temporary, relation, "select * from " ~ commented)) -}}
{% endmacro %}
