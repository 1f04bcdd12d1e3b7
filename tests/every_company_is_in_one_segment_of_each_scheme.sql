-- A null, or a company missing.
with

features as (

    select * from {{ ref('company_features') }}

),

segments as (

    select * from {{ ref('company_segments') }}

),

missing as (

    select features.company_id

    from features

    left join segments
        on
            features.company_id = segments.company_id
            and features.as_of_date = segments.as_of_date

    where
        segments.company_id is null
        {% for scheme in schemes('company') %}
        or segments.{{ scheme }} is null
        {% endfor %}

)

select * from missing
