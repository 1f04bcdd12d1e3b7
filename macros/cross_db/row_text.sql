{% macro row_text(relation) %}
    {{ return(adapter.dispatch('row_text', 'customer_segmentation')(relation)) }}
{% endmacro %}

{% macro default__row_text(relation) %}
    cast({{ relation }} as varchar)
{% endmacro %}

{% macro postgres__row_text(relation) %}
    cast({{ relation }} as text)
{% endmacro %}
