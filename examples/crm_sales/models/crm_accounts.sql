with

accounts as (

    select * from {{ crm_file('accounts') }}

),

deals as (

    select * from {{ crm_file('sales_pipeline') }}

),

country_codes as (

    select * from {{ ref('country_codes') }}

),

-- The file has no day on which an account was opened.
engaged as (

    select
        account,

        min({{ month_first('engage_date') }}) as first_engaged_at

    from deals

    group by account

),

joined as (

    select
        accounts.account,
        engaged.first_engaged_at,
        replace(accounts.sector, 'technolgy', 'technology') as industry,
        accounts.employees,
        -- In millions in the file.
        cast(accounts.revenue as decimal(18, 2)) * 1000000 as annual_revenue,
        accounts.subsidiary_of,
        country_codes.country_code

    from accounts

    left join engaged on accounts.account = engaged.account

    left join country_codes on accounts.office_location = country_codes.country

)

select * from joined
