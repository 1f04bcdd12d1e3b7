{%- set score_count = rfm_map().score_count -%}

with

features as (

    select * from {{ ref('customer_features') }}

),

cutpoints as (

    select * from {{ ref('rfm_cutpoints') }}

),

pivoted as (

    select
        {% for metric in ['recency', 'frequency', 'monetary'] %}
        {% set outer = loop %}
        {% for score in range(2, score_count + 1) %}
        max(case when metric = '{{ metric }}' and score = {{ score }} then cutpoint end)
            as {{ metric }}_{{ score }}{{ "," if not (loop.last and outer.last) }}
        {% endfor %}
        {% endfor %}

    from cutpoints

),

scored as (

    select
        features.as_of_date,
        features.customer_id,
        features.days_since_last_order,
        features.frequency,
        features.monetary_amount,

        {% for name, value, operator, metric in [
            ('r_score', 'days_since_last_order', '<=', 'recency'),
            ('f_score', 'frequency', '>=', 'frequency'),
            ('m_score', 'monetary_amount', '>=', 'monetary'),
        ] %}
        case
            when features.order_count > 0
                then 1
                    {% for score in range(2, score_count + 1) %}
                    + case
                        when features.{{ value }} {{ operator }} pivoted.{{ metric }}_{{ score }}
                            then 1
                        else 0
                    end
                    {% endfor %}
        end as {{ name }},
        {% endfor %}

        -- A range frame takes equal amounts together, so equal customers share a tier.
        case
            when features.monetary_amount > 0
                then
                    sum(greatest(features.monetary_amount, 0)) over (
                        order by features.monetary_amount desc
                        range between unbounded preceding and current row
                    )
                    - sum(features.monetary_amount) over (
                        partition by features.monetary_amount
                    )
        end as amount_above,
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
        {{ ratio('amount_above', 'amount_in_all') }} as revenue_share_above,
        {{ segment_case('rfm', rfm_map().segments) }} as rfm_segment

    from celled

)

select * from named
