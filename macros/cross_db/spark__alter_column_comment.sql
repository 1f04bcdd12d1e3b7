{# dbt's own comments no column of a table in Parquet. Each costs a statement, so only where a column has not brought
   the same comment from where it comes from; one that partitions can be given none, and a view has them already. #}
{% macro spark__alter_column_comment(relation, column_dict) %}
    {%- set known = {} -%}
    {%- if not relation.is_view -%}
        {%- for row in run_query("describe " ~ relation) -%}
            {%- do known.update({row[0]: customer_segmentation.spark_comment(row[2] or '')}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for name, column in column_dict.items() if name in known and name != config.get('partition_by') -%}
        {%- set comment = customer_segmentation.spark_comment(column.description) -%}
        {%- if known[name] != comment -%}
            {%- do run_query("alter table " ~ relation ~ " change column " ~ name ~ " comment " ~ comment) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{# A Hive metastore keeps 256 characters of it. #}
{% macro spark_comment(description) %}
    {%- set comment = description | truncate(255, end=' …', leeway=0) -%}
    {{- return(dbt.string_literal(dbt.escape_single_quotes(comment))) -}}
{% endmacro %}
