-- In each scheme the segments have all customers and all net amount.
with

kpis as (

    select * from {{ ref('int_segment_sizes') }}

),

features as (

    select * from {{ ref('customer_features') }}

),

summed as (

    select
        scheme,

        sum(customer_count) as customer_count,
        sum(net_amount) as net_amount

    from kpis

    group by scheme

),

all_customers as (

    select
        count(*) as customer_count,
        coalesce(sum(net_amount), 0) as net_amount

    from features

),

differing as (

    select
        summed.scheme,
        summed.customer_count,
        summed.net_amount

    from summed

    cross join all_customers

    where
        summed.customer_count <> all_customers.customer_count
        or summed.net_amount <> all_customers.net_amount

)

select * from differing
