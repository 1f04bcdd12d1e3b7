{% macro business_time(timestamp) %}
    {{ return(adapter.dispatch('business_time', 'customer_segmentation')(timestamp)) }}
{% endmacro %}

{% macro default__business_time(timestamp) %}
    {%- set zone = var('business_timezone') -%}
    {{ timestamp }}{{ " at time zone 'UTC' at time zone '" ~ zone ~ "'" if zone != 'UTC' }}
{% endmacro %}

{# No `at time zone`. A timestamp is a moment, shown in the session's time zone, which must be UTC. #}
{% macro spark__business_time(timestamp) %}
    {%- set zone = var('business_timezone') -%}
    {{ "from_utc_timestamp(" ~ timestamp ~ ", '" ~ zone ~ "')" if zone != 'UTC' else timestamp }}
{% endmacro %}
