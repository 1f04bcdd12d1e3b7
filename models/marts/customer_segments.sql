-- depends_on: {{ ref('int_customers') }}, {{ ref('stg_erased_keys') }}
with

segments as (

    select * from {{ ref('int_customer_segments') }}

),

kept as (

    select
        as_of_date,
        customer_id,
        {% for scheme in schemes() %}
        {{ scheme }},
        {% endfor %}
        rfm

    from segments

)

select * from kept
