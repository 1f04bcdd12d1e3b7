{% macro double_type() %}
    {{- return(adapter.dispatch('double_type', 'customer_segmentation')()) -}}
{% endmacro %}

{% macro default__double_type() %}
    {{- return('double') -}}
{% endmacro %}

{% macro postgres__double_type() %}
    {{- return('double precision') -}}
{% endmacro %}
