with

customers as (

    select * from {{ ref('stg_customers') }}

),

merged_customers as (

    select * from {{ ref('int_merged_customers') }}

),

cleaned as (

    select
        customers.customer_id,
        cast({{ business_time('customers.created_at') }} as date) as created_date,
        -- The year is enough for an age band; the day would identify a person.
        cast(extract(year from customers.birth_date) as integer) as birth_year,
        customers.gender,
        customers.household_size,
        customers.income_band,
        customers.language,
        customers.country_code,
        customers.region,
        customers.city,
        customers.acquisition_source,
        customers.company_id,
        customers.job_title,
        customers.is_test_account

    from customers

    left join merged_customers on customers.customer_id = merged_customers.customer_id

    where
        customers.quarantine_reason is null
        and merged_customers.customer_id is null

)

select * from cleaned
