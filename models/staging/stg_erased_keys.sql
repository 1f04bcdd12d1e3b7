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
        coalesce(
            requested.customer_id_hash, md5(accounts.customer_id)
        ) as customer_id_hash,

        min(requested.requested_at) over person as requested_at,
        count(requested.customer_id_hash) over person as request_count

    from requested

    full outer join accounts on requested.customer_id_hash = md5(accounts.customer_id)

    window person as (
        partition by
            accounts.last_customer_id,
            case
                when accounts.last_customer_id is null then requested.customer_id_hash
            end
    )

),

persons as (

    select
        customer_id_hash,

        min(requested_at) as requested_at

    from named

    where request_count > 0

    group by customer_id_hash

),

{% if is_asked %}
raw_orders as (

    {{ raw_table('orders') }}

),

raw_sessions as (

    {{ raw_table('sessions') }}

),

held as (

    {% for key_type, rows in [('order', 'raw_orders'), ('visitor', 'raw_sessions')] %}
    select
        '{{ key_type }}' as key_type,
        {{ clean_text(key_type ~ '_id') }} as held_key,
        md5({{ clean_text('customer_id') }}) as customer_id_hash

    from {{ rows }}

    where {{ clean_text(key_type ~ '_id') }} is not null
    {{ "union all" if not loop.last }}
    {% endfor %}
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
    union all

    select distinct
        held.key_type,
        md5(held.held_key) as key_hash,
        held.customer_id_hash,
        persons.requested_at

    from held

    inner join persons on held.customer_id_hash = persons.customer_id_hash
    {% endif %}
)

select * from keys
