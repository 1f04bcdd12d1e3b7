{% macro iso_weekday(date) %}
    {{ return(adapter.dispatch('iso_weekday', 'customer_segmentation')(date)) }}
{% endmacro %}

{% macro default__iso_weekday(date) %}
    extract(isodow from {{ date }})
{%- endmacro %}

{% macro spark__iso_weekday(date) %}
    extract(dayofweek_iso from {{ date }})
{%- endmacro %}
