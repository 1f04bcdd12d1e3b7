{% macro business_time(timestamp) %}
    {{ return(adapter.dispatch('business_time', 'customer_segmentation')(timestamp)) }}
{% endmacro %}

{% macro default__business_time(timestamp) %}
    {%- set zone = var('business_timezone') -%}
    {{ timestamp }}{{ " at time zone 'UTC' at time zone '" ~ zone ~ "'" if zone != 'UTC' }}
{% endmacro %}
