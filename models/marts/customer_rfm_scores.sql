with

features as (

    select * from {{ ref('customer_features') }}

),

cutpoints as (

    select * from {{ ref('rfm_cutpoints') }}

),

pivoted as (

    select
        {% for metric, score in rfm_cutpoint_keys() %}
        max(case when metric = '{{ metric }}' and score = {{ score }} then cutpoint end)
            as {{ metric }}_{{ score }},
        {% endfor %}
        max(as_of_date) as as_of_date

    from cutpoints

),

scored as (

    select
        features.as_of_date,
        features.customer_id,
        features.days_since_last_order,
        features.frequency,
        features.monetary_amount,

        case
            when features.order_count > 0
                then {{ rfm_score('features.days_since_last_order', '<=', 'recency') }}
        end as r_score,
        case
            when features.order_count > 0
                then {{ rfm_score('features.frequency', '>=', 'frequency') }}
        end as f_score,
        case
            when features.order_count > 0
                then {{ rfm_score('features.monetary_amount', '>=', 'monetary') }}
        end as m_score,

        -- A range frame takes equal amounts together, so equal customers share a tier.
        sum(greatest(features.monetary_amount, 0)) over (
            order by features.monetary_amount desc
            range between unbounded preceding and current row
        ) as amount_down_to_here,
        sum(features.monetary_amount) over (
            partition by features.monetary_amount
        ) as amount_of_equals,
        sum(greatest(features.monetary_amount, 0)) over () as amount_in_all

    from features

    cross join pivoted

),

celled as (

    select
        *,
        100 * r_score + 10 * f_score + m_score as rfm_cell

    from scored

),

named as (

    select
        as_of_date,
        customer_id,
        days_since_last_order,
        frequency,
        monetary_amount,
        r_score,
        f_score,
        m_score,
        rfm_cell,
        {{ ratio(
            'case when monetary_amount > 0 then amount_down_to_here - amount_of_equals end',
            'amount_in_all'
        ) }}
            as revenue_share_above,
        {{ segment_case('rfm', rfm_map().segments) }} as rfm_segment

    from celled

)

select * from named
