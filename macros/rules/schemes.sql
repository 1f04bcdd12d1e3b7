{# The schemes are data: they stand in models/marts/customer_segments.yml. #}
{% macro schemes() %}
    {%- set found = {} -%}
    {#- A project may give its models plain meta, such as an owner: that is no scheme. -#}
    {%- for name, value in yaml_data('customer_segments', customer_segmentation.schemes).items() if value is mapping -%}
        {%- do found.update({name: value}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
