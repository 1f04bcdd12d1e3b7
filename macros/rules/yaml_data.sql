{% macro yaml_data(model_name, macro) %}
    {#- The model's own meta, where the project that installs this one may have set keys of its own.
        A unit test sees no model's meta; the same YAML reaches it as the meta of the macro. -#}
    {%- set node = (graph.nodes or {}).get('model.customer_segmentation.' ~ model_name) if graph -%}
    {{ return(node.config.meta if node else macro.macro.config.meta) }}
{% endmacro %}
