with

segments as (

    select * from {{ ref('customer_segments') }}

),

unpivoted as (

    {% for scheme in ['rfm'] + (schemes() | list) %}
    {{ "union all" if not loop.first }}

    select
        as_of_date,
        customer_id,
        '{{ scheme }}' as scheme,
        {{ scheme }} as segment

    from segments

    -- A scheme that is newer than the as-of date's build has no rows there.
    where {{ scheme }} is not null
    {% endfor %}

)

select * from unpivoted
