{# What clusters are found in: data that stands in models/intermediate/int_cluster_features.yml. #}
{% macro cluster_features() %}
    {%- set found = {} -%}
    {%- for name, words in yaml_data('int_cluster_features', [customer_segmentation.cluster_feature_words]).items()
        if words is mapping and words.high and words.low -%}
        {%- do found.update({name: words}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{# What its YAML says is its meta. #}
{% macro cluster_feature_words() %}{% endmacro %}
