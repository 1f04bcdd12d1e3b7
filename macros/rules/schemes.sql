{# The schemes are data: they stand in models/marts/schemes/. #}
{% macro schemes(grain='customer') %}
    {%- set carriers = [
        customer_segmentation.buying_schemes, customer_segmentation.visiting_schemes, customer_segmentation.people_schemes,
        customer_segmentation.experience_schemes, customer_segmentation.companies_schemes, customer_segmentation.learned_schemes
    ] -%}
    {%- set found = {} -%}
    {%- for name, scheme in yaml_data('customer_segments', carriers).items() -%}
        {#- A project may give its models plain meta, such as an owner: that is no scheme. -#}
        {%- if scheme is mapping and name not in ('thresholds', 'labels')
            and (grain == 'any' or scheme.get('grain', 'customer') in (grain, 'both')) -%}
            {%- do found.update({name: scheme}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{# What their YAML says is their meta. #}
{% macro buying_schemes() %}{% endmacro %}

{% macro visiting_schemes() %}{% endmacro %}

{% macro people_schemes() %}{% endmacro %}

{% macro experience_schemes() %}{% endmacro %}

{% macro companies_schemes() %}{% endmacro %}

{% macro learned_schemes() %}{% endmacro %}
