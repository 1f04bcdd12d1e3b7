{% macro row_text(relation) %}
    {{ return(adapter.dispatch('row_text', 'customer_segmentation')(relation)) }}
{% endmacro %}

{# JSON, since each engine writes a row as text in its own way. #}
{% macro default__row_text(relation) %}
    cast(to_json({{ relation }}) as varchar)
{% endmacro %}

{% macro postgres__row_text(relation) %}
    cast(to_json({{ relation }}) as text)
{% endmacro %}

{# Nulls are left out unless told. #}
{% macro spark__row_text(relation) %}
    to_json(struct({{ relation }}.*), map('ignoreNullFields', 'false'))
{% endmacro %}
