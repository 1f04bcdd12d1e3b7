{% macro clean_text(column) %}
    {{ return(adapter.dispatch('clean_text', 'customer_segmentation')(column)) }}
{% endmacro %}

{% macro default__clean_text(column) %}
    {#- trim() alone leaves tabs, line ends and no-break spaces. -#}
    {%- set text -%}
        trim(cast({{ column }} as varchar), ' ' || chr(9) || chr(10) || chr(13) || chr(160))
    {%- endset -%}
    case
        when lower({{ text }}) not in ('', 'null', 'n/a', 'nan', 'none', '\n') then {{ text }}
    end
{% endmacro %}
