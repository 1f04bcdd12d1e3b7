{# dbt's own writes a null as 'None' and does not escape a quote. #}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = customer_segmentation.spark_seed_types(model) -%}
    {%- set statements = [] -%}
    {%- for chunk in agate_table.rows | batch(get_batch_size()) -%}
        {%- set rows = [] -%}
        {%- for row in chunk -%}
            {%- set values = [] -%}
            {%- for value in row -%}
                {%- set literal = dbt.string_literal(dbt.escape_single_quotes(value | string)) -%}
                {%- set type = types.get(agate_table.column_names[loop.index0])
                    or adapter.convert_type(agate_table, loop.index0) -%}
                {%- do values.append("null" if value is none else "cast(" ~ literal ~ " as " ~ type ~ ")") -%}
            {%- endfor -%}
            {%- do rows.append("(" ~ values | join(", ") ~ ")") -%}
        {%- endfor -%}
        {%- do statements.append("insert into " ~ this.render() ~ " values " ~ rows | join(", ")) -%}
        {%- do adapter.add_query(statements[-1], abridge_sql_log=True) -%}
    {%- endfor -%}
    {{ return(statements[0]) }}
{% endmacro %}

{% macro spark__create_csv_table(model, agate_table) %}
    {%- set config = dict(model.config, column_types=customer_segmentation.spark_seed_types(model)) -%}
    {{ return(dbt.spark__create_csv_table(dict(model, config=config), agate_table)) }}
{% endmacro %}

{# Spark takes varchar only with a length. #}
{% macro spark_seed_types(model) %}
    {%- set types = {} -%}
    {%- for name, type in (model.config.get('column_types') or {}).items() -%}
        {%- do types.update({name: type | replace('varchar', customer_segmentation.text_type())}) -%}
    {%- endfor -%}
    {{ return(types) }}
{% endmacro %}
