{# dbt's own, by which an enforced contract asks for its types: Spark takes varchar only with a length. #}
{% macro spark__cast(field, type) %}
    cast({{ field }} as {{ type | replace('varchar', text_type()) }})
{%- endmacro %}
