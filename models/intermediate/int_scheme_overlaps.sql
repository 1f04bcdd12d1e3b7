{%- set bounds = scorecard_bounds() -%}
{%- set names = ['rfm'] + (schemes() | list) -%}

with

segments as (

    select * from {{ ref('customer_segments') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

present as (

    select
        segments.*,
        md5(segments.customer_id) as customer_hash

    from segments

    inner join as_of on segments.as_of_date = as_of.as_of_date

),

-- The same customers on every engine.
sampled as (

    select
        *,
        row_number() over (
            order by
                {{ text_order('customer_hash') }} asc,
                {{ text_order('customer_id') }} asc
        ) as customer_number

    from present

),

schemes as (

    {% for name in names %}
    select
        '{{ name }}' as scheme,
        {{ loop.index }} as scheme_number

    {{ "union all" if not loop.last }}
    {% endfor %}

),

lengthened as (

    select
        sampled.customer_number,
        schemes.scheme,
        schemes.scheme_number,
        case schemes.scheme
            {% for name in names %}
            when '{{ name }}' then sampled.{{ name }}
            {% endfor %}
        end as segment

    from sampled

    cross join schemes

    where sampled.customer_number <= {{ bounds.sampled_customer_count }}

),

segments_by_number as (

    select
        scheme,
        scheme_number,
        segment,
        row_number() over (
            order by scheme_number asc, {{ text_order('segment') }} asc
        ) as segment_number

    from lengthened

    -- That two schemes lack the same input says nothing of what they tell.
    where segment <> 'unknown'

    group by scheme, scheme_number, segment

),

-- Numbers in the place of words: there are 15 million pairs of them to count.
coded as (

    select
        lengthened.customer_number,
        lengthened.scheme_number,
        segments_by_number.segment_number

    from lengthened

    inner join segments_by_number
        on
            lengthened.scheme_number = segments_by_number.scheme_number
            and lengthened.segment = segments_by_number.segment

),

crossed as (

    select
        coded.scheme_number,
        coded.segment_number,
        other_coded.scheme_number as other_scheme_number,
        other_coded.segment_number as other_segment_number,

        count(*) as common_count

    from coded

    inner join coded as other_coded
        on
            coded.customer_number = other_coded.customer_number
            and coded.scheme_number < other_coded.scheme_number

    group by
        coded.scheme_number,
        coded.segment_number,
        other_coded.scheme_number,
        other_coded.segment_number

),

-- In doubles: the product of three counts is beyond an integer.
summed as (

    select
        *,
        cast(common_count as {{ double_type() }}) * common_count
        / sum(common_count) over (partition by segment_number, other_scheme_number)
        / sum(common_count) over (partition by other_segment_number, scheme_number)
            as share_of_phi

    from crossed

),

contingencies as (

    select
        scheme_number,
        other_scheme_number,

        cast(sum(common_count) as {{ double_type() }}) as customer_count,
        cast(count(distinct segment_number) as {{ double_type() }}) - 1 as freedom,
        cast(count(distinct other_segment_number) as {{ double_type() }})
        - 1 as other_freedom,
        sum(share_of_phi) - 1 as phi_squared

    from summed

    group by scheme_number, other_scheme_number

),

-- Bergsma's corrections of what chance adds.
corrected as (

    select
        scheme_number,
        other_scheme_number,
        greatest(phi_squared - freedom * other_freedom / (customer_count - 1), 0)
            as phi_squared,
        least(
            freedom - freedom * freedom / (customer_count - 1),
            other_freedom - other_freedom * other_freedom / (customer_count - 1)
        ) as greatest_phi_squared

    from contingencies

    where customer_count >= {{ bounds.least_customer_count }}

),

-- Where all have one segment, or nearly each customer one of their own, nothing can
-- be told.
associated as (

    select
        scheme_number,
        other_scheme_number,
        cast(least(sqrt(phi_squared / greatest_phi_squared), 1) as decimal(9, 6))
            as cramers_v

    from corrected

    where greatest_phi_squared > 0

),

other_schemes as (

    select
        scheme as other_scheme,
        scheme_number as other_scheme_number

    from schemes

),

named as (

    select
        schemes.scheme,
        other_schemes.other_scheme,
        associated.cramers_v

    from associated

    inner join schemes on associated.scheme_number = schemes.scheme_number

    inner join other_schemes
        on associated.other_scheme_number = other_schemes.other_scheme_number

),

both_ways as (

    select
        scheme,
        other_scheme,
        cramers_v

    from named

    union all

    select
        other_scheme as scheme,
        scheme as other_scheme,
        cramers_v

    from named

)

select * from both_ways
