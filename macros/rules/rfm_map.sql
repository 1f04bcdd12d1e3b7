{% macro rfm_map() %}
    {%- set chosen = var('rfm_map') -%}
    {%- set maps = rfm_maps() -%}
    {%- if chosen is mapping -%}
        {%- if chosen.get('score_count') not in range(2, 10) or not chosen.get('segments') -%}
            {{ exceptions.raise_compiler_error(
                "SEG-MAP: the var rfm_map needs score_count, from 2 to 9, and segments, as the maps in customer_rfm_scores.yml (docs/errors.md)."
            ) }}
        {%- endif -%}
        {{ return(chosen) }}
    {%- elif maps and chosen not in maps -%}
        {{ exceptions.raise_compiler_error(
            "SEG-MAP: the var rfm_map names '" ~ chosen ~ "'; there are " ~ (maps | join(', ')) ~ ", or give a map of your own (docs/errors.md)."
        ) }}
    {%- endif -%}
    {#- Empty while parsing. -#}
    {{ return(maps.get(chosen) or {'score_count': 5, 'segments': []}) }}
{% endmacro %}

{# The maps are data: they stand in models/marts/customer_rfm_scores.yml. #}
{% macro rfm_maps() %}
    {{ return(yaml_data('customer_rfm_scores', [customer_segmentation.rfm_maps])) }}
{% endmacro %}

{# The map as a scheme among the others. #}
{% macro rfm_scheme() %}
    {{ return(dict({'family': 'RFM', 'needs': ['orders']}, **rfm_map())) }}
{% endmacro %}
