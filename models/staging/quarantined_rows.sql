with

{% for entity in ['customer', 'order', 'session'] %}
refused_{{ entity }}s as (

    select
        '{{ entity }}s' as source,
        quarantine_reason as reason,
        -- Hashed: a key may be an e-mail address.
        md5({{ entity }}_id) as row_key_hash

    from {{ ref('stg_' ~ entity ~ 's') }}

    where quarantine_reason is not null

),

{% endfor %}
unioned as (

    select * from refused_customers

    union all

    select * from refused_orders

    union all

    select * from refused_sessions

)

select * from unioned
