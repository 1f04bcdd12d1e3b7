with

numbers as (

    {{ dbt.generate_series(22280) }}

),

counted as (

    select cast(generated_number as integer) as day_number from numbers

),

dated as (

    select
        cast({{ dbt.dateadd(
            'day', 'day_number', "cast('1989-12-31' as date)"
        ) }} as date) as date_day

    from counted

)

select * from dated
