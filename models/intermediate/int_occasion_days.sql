with

orders as (

    select * from {{ ref('int_known_orders') }}

),

occasions as (

    select
        occasion,
        year,
        cast(replace(first_day, '-', '') as integer) as first_day,
        cast(replace(last_day, '-', '') as integer) as last_day

    from {{ ref('occasions') }}

),

-- So few days that each can be held against each occasion, as the orders cannot.
days as (

    select distinct
        business_date,
        cast(extract(year from business_date) as integer) as year_number,
        cast(
            100 * extract(month from business_date)
            + extract(day from business_date) as integer
        ) as day_of_year

    from orders

    where is_order

),

-- A row for a single year may run over New Year: then it is the year of its first day.
on_occasions as (

    select distinct
        days.business_date,
        occasions.occasion

    from days

    inner join occasions
        on
            (
                days.day_of_year >= occasions.first_day
                and coalesce(occasions.year, days.year_number) = days.year_number
                and (
                    days.day_of_year <= occasions.last_day
                    or occasions.last_day < occasions.first_day
                )
            )
            or (
                occasions.last_day < occasions.first_day
                and days.day_of_year <= occasions.last_day
                and coalesce(occasions.year + 1, days.year_number) = days.year_number
            )

)

select * from on_occasions
