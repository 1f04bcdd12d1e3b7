with

raw_companies as (

    {{ raw_versions('companies', key='company_id', latest_by=['updated_at']) }}

),

-- As with customers, an unreadable attribute becomes null.
typed as (

    select
        {{ clean_text('company_id') }} as company_id,
        {{ cast_or_null('created_at', 'timestamp') }} as created_at,
        lower({{ clean_text('industry') }}) as industry,
        {{ cast_or_null('employee_count', 'integer') }} as employee_count,
        {{ cast_or_null('annual_revenue', 'decimal(18, 2)') }} as annual_revenue,
        lower({{ clean_text('ownership_type') }}) as ownership_type,
        lower({{ clean_text('technologies') }}) as technologies,
        {{ clean_text('parent_company_id') }} as parent_company_id,
        upper({{ clean_text('country_code') }}) as country_code,
        {{ cast_or_null('updated_at', 'timestamp') }} as updated_at,
        version_issue

    from raw_companies

),

judged as (

    select
        company_id,
        created_at,
        industry,
        case when employee_count >= 0 then employee_count end as employee_count,
        cast(
            case when annual_revenue >= 0 then annual_revenue end as decimal(18, 2)
        ) as annual_revenue,
        ownership_type,
        technologies,
        parent_company_id,
        country_code,
        updated_at,
        case when company_id is null then 'missing_key' else version_issue end
            as quarantine_reason

    from typed

)

select * from judged
