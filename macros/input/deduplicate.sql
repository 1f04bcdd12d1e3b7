{% macro deduplicate(relation, key, latest_by=[], conflict_on=none) %}
    {%- set partition = "partition by " ~ relation ~ "." ~ key -%}
    {%- set order = [] -%}
    {%- for column in latest_by -%}
        {%- do order.append(column ~ " desc nulls last") -%}
    {%- endfor -%}
    with

    repeated_keys as (

        select {{ key }}
        from {{ relation }}
        where refused_for is null
        group by {{ key }}
        having count(*) > 1

    )

    {# Only the rows of a repeated key are sorted: a window over every row would cost more than the rest. -#}
    select
        {{ relation }}.*,
        {{ relation }}.refused_for as quarantine_reason
    from {{ relation }}
    left join repeated_keys on {{ relation }}.{{ key }} = repeated_keys.{{ key }}
    where {{ relation }}.refused_for is not null or repeated_keys.{{ key }} is null

    union all

    select
        {{ relation }}.*,
        case
            {%- if conflict_on %}
            {#- The newest version exists for two different owners, and nothing says which is right. #}
            when
                {{ ("rank() over (" ~ partition ~ " order by " ~ order | join(", ") ~ ") = 1 and ") if order }}
                min(coalesce({{ conflict_on }}, '')) over same_version
                <> max(coalesce({{ conflict_on }}, '')) over same_version
                then 'conflicting_duplicate'
            {%- endif %}
            when row_number() over newest_first = 1 then null
            when {{ row_text(relation) }} = first_value({{ row_text(relation) }}) over newest_first
                then 'duplicate'
            else 'superseded'
        end as quarantine_reason
    from {{ relation }}
    inner join repeated_keys on {{ relation }}.{{ key }} = repeated_keys.{{ key }}
    where {{ relation }}.refused_for is null
    window
        {%- if conflict_on %}
        same_version as (partition by {{ ([relation ~ "." ~ key] + latest_by) | join(", ") }}),
        {%- endif %}
        newest_first as ({{ partition }} order by {{ (order + [row_text(relation)]) | join(", ") }})
{% endmacro %}
