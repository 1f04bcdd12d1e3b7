{% macro raw_versions(table, key, latest_by=[], conflict_on=none, changed=none) %}
    {%- set newest_first = [] -%}
    {%- for column in latest_by -%}
        {%- do newest_first.append(cast_or_null(column, 'timestamp') ~ " desc nulls last") -%}
    {%- endfor -%}
    {%- set row = row_text('raw_rows') -%}
    {#- Only the rows of a repeated key are sorted, and before anything is cast: a window over every row would
        cost more than the rest of staging. Naming the raw table thrice lets the engine stream it. -#}
    {%- set source_rows = "changed_rows" if changed else "(" ~ raw_table(table) ~ ")" %}
    with

    {% if changed -%}
    changed_rows as (

        select raw_rows.*
        from ({{ raw_table(table) }}) as raw_rows
        where coalesce({{ clean_text(key) }}, '') in (select row_key from {{ changed }})

    ),

    {% endif -%}
    repeated_keys as (

        select {{ clean_text(key) }} as repeated_key
        from {{ source_rows }} as raw_rows
        group by {{ clean_text(key) }}
        having count(*) > 1

    ),

    versions as (

        select
            raw_rows.*,
            cast(null as {{ text_type() }}) as version_issue
        from {{ source_rows }} as raw_rows
        left join repeated_keys on {{ clean_text(key) }} = repeated_keys.repeated_key
        where repeated_keys.repeated_key is null

        union all

        select
            raw_rows.*,
            case
                {%- if conflict_on %}
                {#- The newest version exists for two different owners, and nothing says which is right. #}
                when
                    rank() over (
                        partition by repeated_keys.repeated_key
                        order by {{ newest_first | join(", ") or "repeated_keys.repeated_key" }}
                    ) = 1
                    and min(coalesce({{ clean_text(conflict_on) }}, '')) over same_version
                    <> max(coalesce({{ clean_text(conflict_on) }}, '')) over same_version
                    then 'conflicting_duplicate'
                {%- endif %}
                when row_number() over newest_first = 1 then null
                when {{ row }} = first_value({{ row }}) over newest_first then 'duplicate'
                else 'superseded'
            end as version_issue
        from {{ source_rows }} as raw_rows
        inner join repeated_keys on {{ clean_text(key) }} = repeated_keys.repeated_key
        window
            {%- if conflict_on %}
            same_version as (
                partition by repeated_keys.repeated_key
                {%- for column in latest_by -%}
                , {{ cast_or_null(column, 'timestamp') }}
                {%- endfor %}
            ),
            {%- endif %}
            newest_first as (
                partition by repeated_keys.repeated_key
                order by {{ (newest_first + [text_order(row)]) | join(", ") }}
            )

    )

    select versions.*
    from versions
    {#- After the versions were compared: what was theirs last was nobody else's. #}
    {% if keys_of_persons(table) %}where not ({{ is_erased(table) }}){% endif %}
{% endmacro %}
