-- Counted apart: the raw tables, what left staging, and the quarantine.
with

{% for entity in ['customer', 'order', 'session'] %}
{{ entity }}_rows as (

    select
        '{{ entity }}s' as source,
        (select count(*) from ({{ raw_table(entity ~ 's') }}) as raw_rows) as raw_count,
        (select count(*) from {{ ref('int_' ~ entity ~ 's') }}) as kept_count,
        (
            select count(*) from {{ ref('quarantined_rows') }}
            where source = '{{ entity }}s'
        ) as quarantined_count

),

{% endfor %}
counted as (

    select * from customer_rows

    union all

    select * from order_rows

    union all

    select * from session_rows

),

differing as (

    select * from counted

    where raw_count <> kept_count + quarantined_count

)

select * from differing
