{% macro rfm_fixed_cutpoint(metric, score) %}
    {{- return((rfm_fixed_cutpoints().get(metric) or {})[score - 2] | default('null', true)) -}}
{% endmacro %}

{# The map may fix cut points, and the var goes before the map. #}
{% macro rfm_fixed_cutpoints() %}
    {%- set fixed = dict(rfm_map().get('cutpoints') or {}) -%}
    {%- if var('rfm_cutpoints') is mapping -%}
        {%- do fixed.update(var('rfm_cutpoints')) -%}
    {%- endif -%}
    {{ return(fixed) }}
{% endmacro %}
