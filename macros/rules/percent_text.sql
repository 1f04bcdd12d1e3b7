{% macro percent_text(share, unit=' %') -%}
    cast(cast(100 * {{ share }} as decimal(9, 1)) as {{ text_type() }}){{ " || '" ~ unit ~ "'" if unit }}
{%- endmacro %}
