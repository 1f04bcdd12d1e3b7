{# dbt's own comments no column of a table in Parquet. Each costs a statement, so only where a column has not brought
   the same comment from the table that it comes from; one that partitions can be given none. A Hive metastore keeps
   256 characters of each. #}
{% macro spark__alter_column_comment(relation, column_dict) %}
    {%- set known = {} -%}
    {%- for row in run_query("describe " ~ relation) -%}
        {%- do known.update({row[0]: row[2]}) -%}
    {%- endfor -%}
    {%- for name, column in column_dict.items() if name in known and name != config.get('partition_by') -%}
        {%- set comment = column.description | truncate(255, end=' …', leeway=0) -%}
        {%- if known[name] != comment -%}
            {%- set literal = dbt.string_literal(dbt.escape_single_quotes(comment)) -%}
            {%- do run_query("alter table " ~ relation ~ " change column " ~ name ~ " comment " ~ literal) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}
