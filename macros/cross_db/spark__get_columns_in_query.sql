{# dbt's own plans the query, to run it for no row. #}
{% macro spark__get_columns_in_query(select_sql) %}
    {{- return(run_query("describe query " ~ select_sql).columns[0].values()) -}}
{% endmacro %}
