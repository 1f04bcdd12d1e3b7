{%- set prediction_days = var('prediction_days') | int -%}
with

orders as (

    select * from {{ ref('int_orders') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

begun as (

    select min(business_date) as first_date

    from orders

    where not is_credit_note

),

-- As much to learn from as to judge on, or nothing is held out.
cutoffs as (

    select as_of_date as cutoff_date

    from as_of

    union all

    select
        cast(
            {{ dbt.dateadd('day', -prediction_days, 'as_of.as_of_date') }}
            as date
        ) as cutoff_date

    from as_of

    inner join begun
        on
            {{ dbt.datediff('begun.first_date', 'as_of.as_of_date', 'day') }}
            >= {{ 2 * prediction_days - 1 }}

),

days as (

    select
        cutoffs.cutoff_date,
        orders.customer_id,
        orders.business_date,

        count(*) filter (where not orders.is_credit_note) as order_count,
        sum(
            orders.order_amount
            - case
                when orders.refunded_date <= cutoffs.cutoff_date
                    then orders.refunded_amount
                else 0
            end
        ) as amount

    from orders

    inner join cutoffs
        on
            orders.business_date <= cutoffs.cutoff_date
            and (
                orders.invalid_since_date is null
                or orders.invalid_since_date > cutoffs.cutoff_date
            )

    where orders.customer_id is not null

    group by cutoffs.cutoff_date, orders.customer_id, orders.business_date

),

totals as (

    select
        cutoff_date,
        customer_id,

        min(case when order_count > 0 then business_date end) as first_date,
        max(case when order_count > 0 then business_date end) as last_date,
        count(*) filter (where order_count > 0) as order_day_count,
        sum(amount) as net_amount

    from days

    group by cutoff_date, customer_id

),

histories as (

    select
        totals.cutoff_date,
        totals.customer_id,

        cast(totals.order_day_count - 1 as integer) as repeat_count,
        cast({{ dbt.datediff(
            'totals.first_date', 'totals.last_date', 'day'
        ) }} as integer)
            as last_repeat_age_days,
        cast({{ dbt.datediff(
            'totals.first_date', 'totals.cutoff_date', 'day'
        ) }} as integer)
            as age_days,

        cast(totals.net_amount as decimal(18, 2)) as net_amount,
        cast(totals.net_amount - days.amount as decimal(18, 2)) as repeat_amount

    from totals

    inner join days
        on
            totals.cutoff_date = days.cutoff_date
            and totals.customer_id = days.customer_id
            and totals.first_date = days.business_date

)

select * from histories
