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
        scores.rfm_segment as rfm

    from features

    left join scores on features.customer_id = scores.customer_id

    left join learned on features.customer_id = learned.customer_id

),

segmented as (

    {{ segmented('joined', ['as_of_date', 'customer_id', 'rfm']) }}

)

select * from segmented
