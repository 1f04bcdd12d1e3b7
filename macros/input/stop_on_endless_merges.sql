{% macro stop_on_endless_merges() %}
    {%- if execute -%}
        {%- set endless = run_query(
            "select customer_id from " ~ this ~ " where merged_into_customer_id in (select customer_id from " ~ this
            ~ ") order by " ~ text_order('customer_id') ~ " limit 20"
        ) -%}
        {%- if endless.rows -%}
            {{ exceptions.raise_compiler_error(
                "customer_merges has no end for " ~ (endless.columns[0].values() | join(", "))
                ~ ": an account is merged into itself, in a circle, or on through more than 50 accounts."
                ~ " Fix: correct or delete one of these rows in the source."
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
