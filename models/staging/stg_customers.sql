with

raw_customers as (

    {{ raw_versions(
        'customers',
        key='customer_id',
        latest_by=['updated_at']
    ) }}

),

-- An unreadable attribute becomes null: refusing the customer would orphan the orders.
typed as (

    select
        {{ clean_text('customer_id') }} as customer_id,
        {{ cast_or_null('created_at', 'timestamp') }} as created_at,
        {{ clean_text('email') }} as email,
        {{ clean_text('phone') }} as phone,
        {{ clean_text('first_name') }} as first_name,
        {{ clean_text('last_name') }} as last_name,
        {{ cast_or_null('birth_date', 'date') }} as birth_date,
        lower({{ clean_text('gender') }}) as gender,
        {{ cast_or_null('household_size', 'integer') }} as household_size,
        {{ clean_text('income_band') }} as income_band,
        {{ clean_text('education') }} as education,
        lower({{ clean_text('marital_status') }}) as marital_status,
        lower(split_part(replace({{ clean_text('language') }}, '_', '-'), '-', 1))
            as language,
        upper({{ clean_text('country_code') }}) as country_code,
        {{ clean_text('region') }} as region,
        {{ clean_text('city') }} as city,
        {{ clean_text('postal_code') }} as postal_code,
        lower({{ clean_text('acquisition_source') }}) as acquisition_source,
        {{ clean_text('company_id') }} as company_id,
        {{ clean_text('job_title') }} as job_title,
        coalesce({{ cast_or_null('is_test_account', 'boolean') }}, false)
            as is_test_account,
        {{ cast_or_null('updated_at', 'timestamp') }} as updated_at,
        version_issue

    from raw_customers

),

checked as (

    select
        *,

        case when customer_id is null then 'missing_key' else version_issue end
            as quarantine_reason

    from typed

),

judged as (

    select
        customer_id,
        created_at,
        email,
        phone,
        first_name,
        last_name,
        birth_date,
        gender,
        household_size,
        income_band,
        education,
        marital_status,
        language,
        country_code,
        region,
        city,
        postal_code,
        acquisition_source,
        company_id,
        job_title,
        is_test_account,
        updated_at,
        quarantine_reason

    from checked

)

select * from judged
