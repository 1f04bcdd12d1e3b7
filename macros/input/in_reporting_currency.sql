{% macro in_reporting_currency(amount, exchange_rate) %}
    {#- 19 digits: with 18 DuckDB multiplies in 64 bits, with more Spark drops digits of the product. The outer cast
        keeps the scale, which a case drops on Postgres. -#}
    cast(
        case
            when {{ exchange_rate }} = 1 then {{ amount }}
            else
                cast(
                    round(cast({{ amount }} as decimal(19, 2)) * {{ exchange_rate }}, 2)
                    as decimal(18, 2)
                )
        end as decimal(18, 2)
    )
{%- endmacro %}
