{% macro prune_slices() %}
    {{- return(adapter.dispatch('prune_slices', 'customer_segmentation')()) -}}
{% endmacro %}

{% macro default__prune_slices() %}
    {%- if var('daily_slices') is not none -%}
        delete from {{ this }} where as_of_date in ({{ slices_to_prune() }})
    {%- endif -%}
{% endmacro %}

{# Parquet has no delete; a date is a partition. #}
{% macro spark__prune_slices() %}
    {%- if var('daily_slices') is not none and execute -%}
        {%- for date in run_query(slices_to_prune()).columns[0].values() -%}
            {%- do run_query("alter table " ~ this ~ " drop if exists partition (as_of_date = '" ~ date ~ "')") -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{% macro slices_to_prune() %}
    select distinct as_of_date
    from {{ this }}
    where
        as_of_date <= (
            select cast(max(as_of_date) - interval '{{ var("daily_slices") }} day' as date) from {{ this }}
        )
        and as_of_date not in (
            select max(as_of_date)
            from {{ this }}
            group by extract(year from as_of_date), extract(month from as_of_date)
        )
{% endmacro %}
