with

features as (

    select * from {{ ref('customer_features') }}

),

scores as (

    select * from {{ ref('customer_rfm_scores') }}

),

learned as (

    select * from {{ ref('int_learned_scores') }}

),

segments as (

    select * from {{ ref('int_customer_segments') }}

),

joined as (

    select
        features.*,
        extract(month from features.as_of_date) as as_of_month,
        {{ iso_weekday('features.as_of_date') }} as as_of_weekday,
        scores.r_score,
        scores.f_score,
        scores.m_score,
        scores.rfm_cell,
        scores.revenue_share_above,
        {% for score in learned_scores() %}
        learned.{{ score }},
        {% endfor %}
        {% for scheme in schemes() %}
        segments.{{ scheme }},
        {% endfor %}
        segments.rfm

    from features

    left join scores on features.customer_id = scores.customer_id

    left join learned on features.customer_id = learned.customer_id

    inner join segments on features.customer_id = segments.customer_id

),

schemes as (

    {% for scheme in ['rfm'] + (schemes() | list) %}
    {{ "union all" if not loop.first }}

    select '{{ scheme }}' as scheme
    {% endfor %}

),

crossed as (

    select
        joined.*,
        schemes.scheme

    from joined

    cross join schemes

),

explained as (

    select
        as_of_date,
        customer_id,
        scheme,
        {{ segment_reason('segment') }} as segment,
        {{ segment_reason('reason') }} as reason,
        {{ segment_reason('next_segment') }} as next_segment,
        {{ segment_reason('distance') }} as distance

    from crossed

),

-- An alternative that is all that is missing needs no parentheses.
unwrapped as (

    select
        as_of_date,
        customer_id,
        scheme,
        segment,
        reason,
        next_segment,

        case
            when distance like '(%)' and distance not like '%) and %'
                then substr(distance, 2, length(distance) - 2)
            else distance
        end as distance

    from explained

)

select * from unwrapped
