{% macro text_type() %}
    {{- return(adapter.dispatch('text_type', 'customer_segmentation')()) -}}
{% endmacro %}

{% macro default__text_type() %}
    {{- return('varchar') -}}
{% endmacro %}

{# Spark takes varchar only with a length. #}
{% macro spark__text_type() %}
    {{- return('string') -}}
{% endmacro %}
