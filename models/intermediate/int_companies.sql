with

companies as (

    select * from {{ ref('stg_companies') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

cleaned as (

    select
        companies.company_id,
        cast({{ business_time('companies.created_at') }} as date) as created_date,
        companies.industry,
        companies.employee_count,
        companies.annual_revenue,
        companies.ownership_type,
        companies.technologies,
        companies.country_code,
        companies.parent_company_id,
        as_of.as_of_date

    from companies

    cross join as_of

    where companies.quarantine_reason is null

),

known_by_then as (

    select
        company_id,
        created_date,
        industry,
        employee_count,
        annual_revenue,
        ownership_type,
        technologies,
        country_code,
        parent_company_id

    from cleaned

    where created_date is null or created_date <= as_of_date

)

select * from known_by_then
