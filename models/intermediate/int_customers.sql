with

customers as (

    select * from {{ ref('stg_customers') }}

),

cleaned as (

    select
        customer_id,
        cast({{ business_time('created_at') }} as date) as created_date,
        -- The year is enough for an age band; the day would identify a person.
        cast(extract(year from birth_date) as integer) as birth_year,
        gender,
        household_size,
        income_band,
        language,
        country_code,
        region,
        city,
        acquisition_source,
        company_id,
        job_title,
        is_test_account

    from customers

    where quarantine_reason is null

)

select * from cleaned
