{% macro row_text(relation) %}
    {{ return(adapter.dispatch('row_text', 'customer_segmentation')(relation)) }}
{% endmacro %}

{% macro default__row_text(relation) %}
    cast({{ relation }} as varchar)
{% endmacro %}

{% macro postgres__row_text(relation) %}
    cast({{ relation }} as text)
{% endmacro %}

{# A relation's name is no value; nulls are written out, so that they differ from the text 'null'. #}
{% macro spark__row_text(relation) %}
    to_json(struct({{ relation }}.*), map('ignoreNullFields', 'false'))
{% endmacro %}
