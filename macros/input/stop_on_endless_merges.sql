{% macro stop_on_endless_merges() %}
    {%- if execute -%}
        {%- set endless = run_query(
            "select md5(customer_id) from " ~ this ~ " where merged_into_customer_id in (select customer_id from " ~ this
            ~ ") order by " ~ text_order('customer_id') ~ " limit 20"
        ) -%}
        {%- if endless.rows -%}
            {{ exceptions.raise_compiler_error(
                "SEG-MERGE: customer_merges has no end for the accounts whose ids have the MD5 "
                ~ (endless.columns[0].values() | join(", ")) ~ ": an account is merged into itself, in a circle, or on through more than 50 accounts."
                ~ " Fix: correct or delete one of these rows in the source (docs/errors.md)."
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
