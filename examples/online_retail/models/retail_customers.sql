with

invoice_lines as (

    select * from {{ ref('invoice_lines') }}

),

ranked as (

    select
        customer_id,
        country_code,

        -- Eight customers moved: the country of the last invoice stands.
        row_number() over (
            partition by customer_id
            order by max(invoiced_at) desc, country_code asc nulls last
        ) as recency_rank

    from invoice_lines

    group by customer_id, country_code

),

located as (

    select
        customer_id,
        country_code

    from ranked

    where recency_rank = 1

)

select * from located
