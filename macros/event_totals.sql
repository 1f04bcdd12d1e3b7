{% macro event_totals(relation) %}
    {%- for name in ['order_count', 'cancelled_count', 'session_count', 'order_amount', 'refunded_amount'] -%}
        cast(
            coalesce(sum({{ relation }}.{{ name }}), 0) as {{ 'decimal(18, 2)' if 'amount' in name else 'bigint' }}
        ) as {{ name }}{{ "," if not loop.last }}
    {% endfor -%}
{% endmacro %}
