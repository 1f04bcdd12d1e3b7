with

features as (

    select * from {{ ref('company_features') }}

),

dated as (

    select
        *,
        extract(month from as_of_date) as as_of_month,
        {{ iso_weekday('as_of_date') }} as as_of_weekday

    from features

),

segmented as (

    {{ segmented('dated', ['as_of_date', 'company_id'], grain='company') }}

)

select * from segmented
