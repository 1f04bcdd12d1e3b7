{% macro crm_file(name) %}
    {%- set folder = env_var('SEGMENTATION_DATA_PATH', '../../../shared/data') ~ '/crm_sales/' -%}
    read_csv(
        {{ dbt.string_literal(dbt.escape_single_quotes(folder ~ name ~ '.csv')) }},
        header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', comment = '', skip = 0
    )
{%- endmacro %}
