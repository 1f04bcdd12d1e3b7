-- A null, a segment that no scheme defines, or a customer missing in a layer.
with

memberships as (

    select * from {{ ref('segment_memberships') }}

),

definitions as (

    select * from {{ ref('segment_definitions') }}

),

features as (

    select * from {{ ref('customer_features') }}

),

-- Of older as-of dates there may be segments that the rules no longer have.
undefined as (

    select
        memberships.customer_id,
        memberships.scheme,
        memberships.segment

    from memberships

    inner join features
        on
            memberships.customer_id = features.customer_id
            and memberships.as_of_date = features.as_of_date

    left join definitions
        on
            memberships.scheme = definitions.scheme
            and memberships.segment = definitions.segment

    where definitions.segment is null

),

schemes as (

    select distinct scheme from definitions

    where grain <> 'company'

),

missing as (

    select
        features.customer_id,
        schemes.scheme,
        cast(null as {{ text_type() }}) as segment

    from features

    cross join schemes

    left join memberships
        on
            features.customer_id = memberships.customer_id
            and features.as_of_date = memberships.as_of_date
            and schemes.scheme = memberships.scheme

    where memberships.customer_id is null

),

unioned as (

    select * from undefined

    union all

    select * from missing

)

select * from unioned
