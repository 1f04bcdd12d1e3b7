{# The schemes are data: they stand in models/marts/customer_segments.yml. #}
{% macro schemes() %}
    {{ return(yaml_data('customer_segments', customer_segmentation.schemes)) }}
{% endmacro %}
