with

features as (

    select * from {{ ref('customer_features') }}

),

scores as (

    select * from {{ ref('customer_rfm_scores') }}

),

joined as (

    select
        features.*,
        scores.r_score,
        scores.f_score,
        scores.m_score,
        scores.rfm_cell,
        scores.revenue_share_above,
        scores.rfm_segment

    from features

    inner join scores on features.customer_id = scores.customer_id

),

segmented as (

    select
        as_of_date,
        customer_id,
        {% for name, scheme in schemes().items() %}
        {{ segment_case(name, scheme.segments) }} as {{ name }},
        {% endfor %}
        rfm_segment as rfm

    from joined

)

select * from segmented
