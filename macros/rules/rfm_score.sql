{% macro rfm_score(value, reaches, metric) %}
    1
    {%- for key_metric, score in rfm_cutpoint_keys() if key_metric == metric %}
    + case when {{ value }} {{ reaches }} {{ metric }}_{{ score }} then 1 else 0 end
    {%- endfor %}
{%- endmacro %}
