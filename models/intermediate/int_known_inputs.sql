with

counted as (

    select
        {% for input, model in [
            ('order_items', 'int_customer_items'),
            ('campaign_events', 'int_customer_campaigns'),
            ('feedback', 'int_customer_feedback'),
            ('consents', 'int_customer_consents'),
            ('survey_answers', 'int_customer_answers'),
            ('product_usage', 'int_customer_usage'),
            ('subscriptions', 'int_customer_subscriptions')
        ] %}
        (select count(*) from {{ ref(model) }}) > 0 as has_{{ input }},
        {% endfor %}
        (select count(*) from {{ ref('int_companies') }}) > 0 as has_companies

)

select * from counted
