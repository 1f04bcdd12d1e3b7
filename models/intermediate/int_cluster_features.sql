with

features as (

    select * from {{ ref('customer_features') }}

),

buyers as (

    select
        as_of_date,
        {% for feature in cluster_features() %}
        cast({{ feature }} as {{ double_type() }}) as {{ feature }},
        {% endfor %}
        customer_id

    from features

    where order_count > 0

)

select * from buyers
