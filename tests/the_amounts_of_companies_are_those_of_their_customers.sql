-- No customer of a company is lost on the way up, and none is counted twice.
with

companies as (

    select * from {{ ref('company_features') }}

),

customers as (

    select * from {{ ref('customer_features') }}

),

compared as (

    select
        (select sum(net_amount) from companies) as company_amount,
        (
            select sum(net_amount) from customers
            where company_id is not null
        ) as customer_amount,
        (select sum(customer_count) from companies) as company_customer_count,
        (
            select count(*) from customers
            where company_id is not null
        ) as customer_count

),

differing as (

    select * from compared

    where
        coalesce(company_amount, 0) <> coalesce(customer_amount, 0)
        or coalesce(company_customer_count, 0) <> customer_count

)

select * from differing
