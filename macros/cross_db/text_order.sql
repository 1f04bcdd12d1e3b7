{% macro text_order(column) %}
    {{ return(adapter.dispatch('text_order', 'customer_segmentation')(column)) }}
{% endmacro %}

{% macro default__text_order(column) %}
    {{- column -}}
{% endmacro %}

{# The order of text depends on the locale unless it is said to be that of the bytes. #}
{% macro postgres__text_order(column) %}
    {{- column }} collate "C"
{%- endmacro %}
