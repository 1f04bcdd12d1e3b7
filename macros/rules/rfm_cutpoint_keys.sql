{% macro rfm_cutpoint_keys() %}
    {%- set keys = [] -%}
    {%- for metric in ['recency', 'frequency', 'monetary'] -%}
        {%- for score in range(2, rfm_map().score_count + 1) -%}
            {%- do keys.append((metric, score)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(keys) }}
{% endmacro %}
