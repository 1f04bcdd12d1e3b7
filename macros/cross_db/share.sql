{% macro share(part, whole) %}
    {{ return(adapter.dispatch('share', 'customer_segmentation')(part, whole)) }}
{% endmacro %}

{% macro default__share(part, whole) %}
    {#- As in ratio(), but of counts, whose integers are small and fast. -#}
    cast(
        (({{ part }}) * 2000000 + {{ whole }}) // (2 * nullif({{ whole }}, 0)) * cast(0.000001 as decimal(9, 6))
        as decimal(9, 6)
    )
{%- endmacro %}

{% macro postgres__share(part, whole) %}
    cast(round(cast({{ part }} as numeric) / nullif({{ whole }}, 0), 6) as decimal(9, 6))
{%- endmacro %}

{% macro spark__share(part, whole) %}
    cast(
        ((({{ part }}) * 2000000 + {{ whole }}) div (2 * nullif({{ whole }}, 0))) * cast(0.000001 as decimal(9, 6))
        as decimal(9, 6)
    )
{%- endmacro %}
