-- Every raw table is held against it, so it is made once.
{{ config(materialized='table') }}

{%- set is_asked = keys_of_persons('orders') -%}
with

erasure_requests as (

    select * from {{ ref('stg_erasure_requests') }}

),

merge_ends as (

    select * from {{ ref('stg_merge_ends') }}

),

accounts as (

    select
        customer_id,
        last_customer_id

    from merge_ends

    union

    select
        last_customer_id as customer_id,
        last_customer_id

    from merge_ends

),

members as (

    select * from accounts

),

requested as (

    select
        customer_id_hash,
        requested_at

    from erasure_requests

    where quarantine_reason is null

),

-- Accounts that were merged are one person, whichever of them is named.
named as (

    select
        customer_id_hash,
        requested_at

    from requested

    union all

    select
        md5(members.customer_id) as customer_id_hash,
        requested.requested_at

    from requested

    inner join accounts on requested.customer_id_hash = md5(accounts.customer_id)

    inner join members on accounts.last_customer_id = members.last_customer_id

),

persons as (

    select
        customer_id_hash,

        min(requested_at) as requested_at

    from named

    group by customer_id_hash

),

{% if is_asked %}
raw_orders as (

    {{ raw_table('orders') }}

),

raw_sessions as (

    {{ raw_table('sessions') }}

),

{% endif %}
keys as (

    select
        'customer' as key_type,
        customer_id_hash as key_hash,
        customer_id_hash,
        requested_at

    from persons

    {% if is_asked %}
    {% for key_type, rows in [('order', 'raw_orders'), ('visitor', 'raw_sessions')] %}
    union all

    select distinct
        '{{ key_type }}' as key_type,
        md5({{ clean_text(key_type ~ '_id') }}) as key_hash,
        persons.customer_id_hash,
        persons.requested_at

    from {{ rows }}

    inner join persons
        on md5({{ clean_text('customer_id') }}) = persons.customer_id_hash

    where {{ clean_text(key_type ~ '_id') }} is not null
    {% endfor %}
    {% endif %}
)

select * from keys
