{% macro forget_erased() %}
    {%- if keys_of_persons('orders') -%}
        {{- return(adapter.dispatch('forget_erased', 'customer_segmentation')()) -}}
    {%- endif -%}
{% endmacro %}

{% macro default__forget_erased() %}
    delete from {{ this }} where {{ is_forgotten() }}
{% endmacro %}

{# Parquet has no delete; what stays of a date is put in its place. #}
{% macro spark__forget_erased() %}
    {%- if execute -%}
        {%- set rest = this.incorporate(path={'identifier': this.identifier ~ '_without_erased'}) -%}
        {%- set columns = [] -%}
        {%- for column in adapter.get_columns_in_relation(this) if column.name != 'as_of_date' -%}
            {%- do columns.append(column.name) -%}
        {%- endfor -%}
        {%- set dates = "select distinct as_of_date from " ~ this ~ " where " ~ is_forgotten() -%}
        {%- for date in run_query(dates).columns[0].values() -%}
            {%- set of_date = "as_of_date = '" ~ date ~ "'" -%}
            {%- do run_query("drop table if exists " ~ rest) -%}
            {%- do run_query("create table " ~ rest ~ " using parquet as select " ~ columns | join(', ') ~ " from " ~ this
                ~ " where " ~ of_date ~ " and not (" ~ is_forgotten() ~ ")") -%}
            {%- do run_query("insert overwrite " ~ this ~ " partition (" ~ of_date ~ ") select * from " ~ rest) -%}
            {%- do run_query("drop table " ~ rest) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{# Hashed are only those who are no customers any more. #}
{% macro is_forgotten() -%}
    customer_id not in (select customer_id from {{ ref('int_customers') }})
    and md5(customer_id) in (select key_hash from {{ ref('stg_erased_keys') }} where key_type = 'customer')
{%- endmacro %}
