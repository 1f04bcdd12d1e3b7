{% macro cancellation_filter(quantity) %}
    {%- set filters = {'dropped': quantity ~ " > 0", 'netted': quantity ~ " <> 0"} -%}
    {%- if var('cancellations') not in filters -%}
        {{ exceptions.raise_compiler_error(
            "The var cancellations is '" ~ var('cancellations') ~ "'; it must be dropped or netted."
        ) }}
    {%- endif -%}
    {{ return(filters[var('cancellations')]) }}
{% endmacro %}
