{% macro staged_sessions(changed=none) %}
with

raw_sessions as (

    {{ raw_versions(
        'sessions',
        key='session_id',
        latest_by=['loaded_at'],
        conflict_on='customer_id',
        changed=changed
    ) }}

),

customers as (

    select * from {{ ref('stg_customers') }}

),

merged_customers as (

    select * from {{ ref('int_merged_customers') }}

),

typed as (

    select
        {{ clean_text('session_id') }} as session_id,
        {{ clean_text('customer_id') }} as customer_id,
        {{ clean_text('visitor_id') }} as visitor_id,
        {{ cast_or_null('started_at', 'timestamp') }} as started_at,
        {{ cast_or_null('ended_at', 'timestamp') }} as ended_at,
        lower({{ clean_text('device_type') }}) as device_type,
        lower({{ clean_text('operating_system') }}) as operating_system,
        lower({{ clean_text('browser') }}) as browser,
        lower({{ clean_text('traffic_source') }}) as traffic_source,
        lower({{ clean_text('traffic_medium') }}) as traffic_medium,
        lower({{ clean_text('campaign') }}) as campaign,
        {{ cast_or_null('page_views', 'integer') }} as page_views,
        {{ cast_or_null('product_views', 'integer') }} as product_views,
        {{ cast_or_null('searches', 'integer') }} as searches,
        {{ cast_or_null('cart_additions', 'integer') }} as cart_additions,
        {{ cast_or_null('checkouts', 'integer') }} as checkouts,
        {{ cast_or_null('downloads', 'integer') }} as downloads,
        {{ cast_or_null('shares', 'integer') }} as shares,
        upper({{ clean_text('country_code') }}) as country_code,
        {{ cast_or_null('loaded_at', 'timestamp') }} as loaded_at,

        case
            when
                {{ any_unparsable(['started_at', 'ended_at', 'loaded_at'], 'timestamp') }}
                then 'unparsable_date'
            when
                {{ any_unparsable([
                    'page_views', 'product_views', 'searches', 'cart_additions',
                    'checkouts', 'downloads', 'shares'
                ], 'integer') }}
                then 'unparsable_value'
        end as parse_error,
        version_issue

    from raw_sessions

),

checked as (

    select
        typed.*,

        case
            when typed.session_id is null then 'missing_key'
            when typed.version_issue is not null then typed.version_issue
            when typed.parse_error is not null then typed.parse_error
            when typed.started_at is null then 'missing_date'
            -- The zero dates of spreadsheets, Unix and FAT all lie before.
            when typed.started_at < cast('1990-01-01' as timestamp) then 'date_too_old'
            when typed.started_at > {{ run_started_at_utc() }} then 'date_in_future'
            when
                typed.customer_id is not null
                and customers.customer_id is null
                and merged_customers.customer_id is null
                then 'orphan'
        end as quarantine_reason

    from typed

    left join customers
        on
            typed.customer_id = customers.customer_id
            and customers.quarantine_reason is null

    left join merged_customers
        on typed.customer_id = merged_customers.customer_id

),

judged as (

    select
        session_id,
        customer_id,
        visitor_id,
        started_at,
        ended_at,
        device_type,
        operating_system,
        browser,
        traffic_source,
        traffic_medium,
        campaign,
        page_views,
        product_views,
        searches,
        cart_additions,
        checkouts,
        downloads,
        shares,
        country_code,
        loaded_at,
        quarantine_reason

    from checked

)

select * from judged
{% endmacro %}
