{% macro scaled_to(prediction, naive) %}
    {%- set double = double_type() -%}
    coalesce(
        {{ naive }} * (
            cast(sum({{ prediction }}) over () as {{ double }})
            / nullif(cast(sum({{ naive }}) over () as {{ double }}), 0)
        ),
        {{ prediction }}
    )
{%- endmacro %}
