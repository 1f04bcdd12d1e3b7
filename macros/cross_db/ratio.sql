{% macro ratio(numerator, denominator, digits=6) %}
    {{ return(adapter.dispatch('ratio', 'customer_segmentation')(numerator, denominator, digits)) }}
{% endmacro %}

{% macro default__ratio(numerator, denominator, digits) %}
    {#- DuckDB divides decimals as doubles, which moves a half cent: integers divide exactly. -#}
    {%- set n = "cast(" ~ numerator ~ " as decimal(38, 2)) * 100" -%}
    {%- set d = "cast(nullif(cast(" ~ denominator ~ " as decimal(38, 2)), 0) * 100 as hugeint)" -%}
    cast(
        sign({{ numerator }}) * (
            (abs(cast({{ n }} as hugeint)) * {{ 2 * 10 ** digits }} + {{ d }}) // (2 * {{ d }})
        ) * cast({{ "0." ~ "0" * (digits - 1) ~ "1" }} as decimal(18, {{ digits }}))
        as decimal(18, {{ digits }})
    )
{%- endmacro %}

{% macro postgres__ratio(numerator, denominator, digits) %}
    cast(
        round(cast({{ numerator }} as numeric) / nullif({{ denominator }}, 0), {{ digits }})
        as decimal(18, {{ digits }})
    )
{%- endmacro %}

{# A division of decimals keeps six digits and rounds once too often; `div` of whole numbers is exact. #}
{% macro spark__ratio(numerator, denominator, digits) %}
    {%- set n = "cast(cast(" ~ numerator ~ " as decimal(38, 2)) * 100 as decimal(38, 0))" -%}
    {%- set d = "cast(nullif(cast(" ~ denominator ~ " as decimal(38, 2)), 0) * 100 as decimal(38, 0))" -%}
    cast(
        case when {{ numerator }} < 0 then -1 else 1 end
        * ((abs({{ n }}) * {{ 2 * 10 ** digits }} + {{ d }}) div (2 * {{ d }}))
        * cast({{ "0." ~ "0" * (digits - 1) ~ "1" }} as decimal(18, {{ digits }}))
        as decimal(18, {{ digits }})
    )
{%- endmacro %}
