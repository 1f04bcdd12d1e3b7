{% macro yaml_data(model_name, macros) %}
    {#- A unit test sees no model's meta and no graph, but that of macros. -#}
    {%- set found = {} -%}
    {%- for macro in macros -%}
        {%- do found.update(macro.macro.config.meta) -%}
    {%- endfor -%}
    {#- The model's own meta goes before: there the project that installs this one sets keys of its own. -#}
    {%- set node = (graph.nodes or {}).get('model.customer_segmentation.' ~ model_name) if graph -%}
    {%- do found.update(node.config.meta if node else {}) -%}
    {{ return(found) }}
{% endmacro %}
