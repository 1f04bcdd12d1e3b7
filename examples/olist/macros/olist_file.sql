{% macro olist_file(name) %}
    {%- set folder = env_var('SEGMENTATION_DATA_PATH', '../../../shared/data') ~ '/olist/' -%}
    read_parquet({{ dbt.string_literal(dbt.escape_single_quotes(folder ~ name ~ '.parquet')) }})
{%- endmacro %}
