with

purchases as (

    select * from {{ ref('cdnow_purchases') }}

),

customers as (

    select distinct customer_number from purchases

)

select * from customers
