with

orders as (

    select * from {{ ref('marketplace_orders') }}

),

ranked as (

    select
        person_id,
        city,
        state,

        -- Some people moved: the address of the last order stands.
        row_number() over (
            partition by person_id
            order by ordered_at desc, order_id desc
        ) as recency_rank

    from orders

),

located as (

    select
        person_id,
        city,
        state

    from ranked

    where recency_rank = 1

)

select * from located
