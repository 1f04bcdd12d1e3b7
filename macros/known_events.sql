{% macro known_events(model, moment, columns) %}
    {#- An account that was merged hands all it has to the last of its chain; what a test account has is nobody's. -#}
    select
        events.*,
        cast({{ dbt.datediff('events.business_date', 'events.as_of_date', 'day') }} as integer) as age_days
    from (
        select
            customers.customer_id,
            as_of.as_of_date,
            staged.{{ moment }},
            cast({{ business_time('staged.' ~ moment) }} as date) as business_date
            {%- for column in columns -%}
            , staged.{{ column }}
            {%- endfor %}
        from {{ ref(model) }} as staged
        left join {{ ref('int_merged_customers') }} as merged_customers
            on staged.customer_id = merged_customers.customer_id
        inner join {{ ref('int_customers') }} as customers
            on coalesce(merged_customers.merged_into_customer_id, staged.customer_id) = customers.customer_id
        cross join {{ ref('int_as_of_date') }} as as_of
        where staged.quarantine_reason is null and not customers.is_test_account
    ) as events
    where events.business_date <= events.as_of_date
{% endmacro %}
