{% macro rfm_fixed_cutpoints() %}
    {%- set fixed = dict(rfm_map().get('cutpoints') or {}) -%}
    {%- if var('rfm_cutpoints') is mapping -%}
        {%- do fixed.update(var('rfm_cutpoints')) -%}
    {%- endif -%}
    {{ return(fixed) }}
{% endmacro %}
