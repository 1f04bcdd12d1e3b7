{% macro rows_to_judge(table, key) %}
    {%- set staged = ref('stg_' ~ table) -%}
    {#- What a verdict depends on but rows, the SQL too: where it changes, every row is judged again. A unit test knows
        no table but those it gives. -#}
    {%- set rules = [model.raw_code, var('raw'), var('business_timezone'), var('reporting_currency')] -%}
    {%- if var('raw') is mapping and model.resource_type == 'model' -%}
        {%- set staging = staged_orders() if table == 'orders' else staged_sessions() -%}
        {%- do rules.append(staging | replace(run_started_at_utc(), '')) -%}
    {%- endif -%}
    {%- set judged_with = local_md5(tojson(rules, sort_keys=true)) -%}
    {%- set changes -%}
        {#- While parsing too, so that dbt learns what this reads. -#}
        {%- if is_incremental() or (not execute and var('raw') is mapping) -%}
            {{ changed_rows(table, key, judged_with) }}
        {%- endif -%}
    {%- endset -%}
    {%- if is_incremental() -%}
        {{ changes }}
    {%- else -%}
        select
            staged.*,
            coalesce(staged.{{ key }}, '') as row_key,
            '{{ judged_with }}' as judged_with
        from {{ staged }} as staged
    {%- endif -%}
{% endmacro %}

{# Only on engines that delete rows of a table. #}
{% macro changed_rows(table, key, judged_with) %}
    {%- set loaded_at = cast_or_null('loaded_at', 'timestamp') -%}
    {%- set has_amounts = table == 'orders' -%}
    {%- set but_not_erased = "and not (" ~ is_erased(table) ~ ")" if keys_of_persons(table) -%}
    {%- set last_load = "(select last_loaded_at from last_load)" -%}
    with

    last_load as (

        select max(loaded_at) as last_loaded_at from {{ this }}

    ),

    {#- Counted by day, since of what was loaded before the last load rows can only have vanished; a day that has as many
        as before is the same. -#}
    differing_days as (

        select coalesce(counted_now.loaded_date, counted_before.loaded_date) as loaded_date
        from (
            select cast({{ loaded_at }} as date) as loaded_date, count(*) as row_count
            from ({{ raw_table(table) }}) as raw_rows
            where {{ loaded_at }} < {{ last_load }} {{ but_not_erased }}
            group by cast({{ loaded_at }} as date)
        ) as counted_now
        full outer join (
            select cast(loaded_at as date) as loaded_date, count(*) as row_count
            from {{ this }}
            where loaded_at < {{ last_load }}
            group by cast(loaded_at as date)
        ) as counted_before
            on counted_now.loaded_date = counted_before.loaded_date
        where counted_now.row_count is distinct from counted_before.row_count

    ),

    differing_rows as (

        select row_key
        from (
            select coalesce({{ clean_text(key) }}, '') as row_key, {{ loaded_at }} as moment, 1 as change
            from ({{ raw_table(table) }}) as raw_rows
            where cast({{ loaded_at }} as date) in (select loaded_date from differing_days) {{ but_not_erased }}
            union all
            select {{ key }} as row_key, loaded_at as moment, -1 as change
            from {{ this }}
            where cast(loaded_at as date) in (select loaded_date from differing_days)
        ) as on_differing_days
        group by row_key, moment
        having sum(change) <> 0

    ),

    changed as (

        {#- Rows of the last load are judged again: more may have come at that very moment. -#}
        select coalesce({{ clean_text(key) }}, '') as row_key
        from ({{ raw_table(table) }}) as raw_rows
        where coalesce({{ loaded_at }} >= {{ last_load }}, true)

        union

        select row_key from differing_rows

        union

        select judged.{{ key }} as row_key
        from {{ this }} as judged
        left join {{ ref('int_customers') }} as customers
            on judged.customer_id = customers.customer_id
        left join {{ ref('int_merged_customers') }} as merged_customers
            on judged.given_up_customer_id = merged_customers.customer_id
        {%- if has_amounts %}
        left join {{ ref('stg_exchange_rates') }} as exchange_rates
            on
                judged.currency = exchange_rates.currency
                and judged.business_date = exchange_rates.rate_date
                and exchange_rates.quarantine_reason is null
        {%- endif %}
        where
            coalesce(judged.loaded_at >= {{ last_load }}, true)
            or judged.judged_with <> '{{ judged_with }}'
            {#- These wait for a customer, a rate or a day. -#}
            or judged.quarantine_reason in ('orphan', 'missing_rate', 'date_in_future')
            or (
                judged.quarantine_reason is null
                and (
                    {#- Who is unknown or merged by now is no customer. -#}
                    (judged.customer_id is not null and customers.customer_id is null)
                    or (
                        judged.given_up_customer_id is not null
                        and merged_customers.merged_into_customer_id is distinct from judged.customer_id
                    )
                    {%- if has_amounts %}
                    or (coalesce(judged.invalid_reason, '') = 'test_account') <> coalesce(customers.is_test_account, false)
                    or (
                        judged.currency <> '{{ var("reporting_currency") }}'
                        and judged.exchange_rate is distinct from exchange_rates.rate
                    )
                    {%- endif %}
                )
            )

    ),

    staged as (

        {{ staged_orders(changed='changed') if table == 'orders' else staged_sessions(changed='changed') }}

    )

    {#- A key whose rows are all gone stays as one row, so that dbt deletes what it had. -#}
    select
        staged.*,
        changed.row_key,
        '{{ judged_with }}' as judged_with
    from changed
    left join staged on changed.row_key = coalesce(staged.{{ key }}, '')
{% endmacro %}
