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
    {% endfor %}

)

select * from unpivoted
