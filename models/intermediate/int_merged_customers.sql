with

customer_merges as (

    select * from {{ ref('stg_customer_merges') }}

),

accepted as (

    select
        customer_id,
        last_customer_id as merged_into_customer_id

    from customer_merges

    where quarantine_reason is null

)

select * from accepted
