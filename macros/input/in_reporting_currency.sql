{% macro in_reporting_currency(amount, exchange_rate) %}
    {#- The outer cast keeps the scale, which a case drops on Postgres. -#}
    cast(
        case
            when {{ exchange_rate }} = 1 then {{ amount }}
            else cast(round({{ amount }} * {{ exchange_rate }}, 2) as decimal(18, 2))
        end as decimal(18, 2)
    )
{%- endmacro %}
