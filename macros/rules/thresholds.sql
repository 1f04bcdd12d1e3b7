{# Data: they stand in models/marts/schemes/thresholds.yml. #}
{% macro thresholds() %}
    {%- set own = yaml_data('customer_segments', []).get('thresholds') or {} -%}
    {{ return(dict(customer_segmentation.thresholds.macro.config.meta, **own)) }}
{% endmacro %}
