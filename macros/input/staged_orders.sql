{% macro staged_orders(changed=none) %}
with

raw_orders as (

    {{ raw_versions(
        'orders',
        key='order_id',
        latest_by=['updated_at', 'loaded_at'],
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

exchange_rates as (

    select * from {{ ref('stg_exchange_rates') }}

),

typed as (

    select
        {{ clean_text('order_id') }} as order_id,
        {{ clean_text('customer_id') }} as customer_id,
        {{ clean_text('email') }} as email,
        {{ cast_or_null('ordered_at', 'timestamp') }} as ordered_at,
        lower({{ clean_text('status') }}) as status,
        upper({{ clean_text('currency') }}) as currency,
        {{ cast_or_null('gross_amount', 'decimal(18, 2)') }} as gross_amount,
        {{ cast_or_null('discount_amount', 'decimal(18, 2)') }} as discount_amount,
        {{ cast_or_null('refunded_amount', 'decimal(18, 2)') }} as refunded_amount,
        {{ cast_or_null('refunded_at', 'timestamp') }} as refunded_at,
        {{ cast_or_null('cancelled_at', 'timestamp') }} as cancelled_at,
        {{ cast_or_null('item_count', 'integer') }} as item_count,
        lower({{ clean_text('category') }}) as category,
        lower({{ clean_text('sales_channel') }}) as sales_channel,
        lower({{ clean_text('payment_method') }}) as payment_method,
        upper({{ clean_text('coupon_code') }}) as coupon_code,
        {{ cast_or_null('is_gift', 'boolean') }} as is_gift,
        upper({{ clean_text('country_code') }}) as country_code,
        {{ cast_or_null('updated_at', 'timestamp') }} as updated_at,
        {{ cast_or_null('loaded_at', 'timestamp') }} as loaded_at,

        case
            when
                {{ any_unparsable([
                    'ordered_at', 'refunded_at', 'cancelled_at', 'updated_at', 'loaded_at'
                ], 'timestamp') }}
                then 'unparsable_date'
            when
                {{ any_unparsable([
                    'gross_amount', 'discount_amount', 'refunded_amount'
                ], 'decimal(18, 2)') }}
                then 'unparsable_amount'
            when
                {{ any_unparsable(['item_count'], 'integer') }}
                or {{ any_unparsable(['is_gift'], 'boolean') }}
                then 'unparsable_value'
        end as parse_error,
        version_issue

    from raw_orders

),

checked as (

    select
        typed.*,

        cast(
            case
                when typed.currency <> '{{ var("reporting_currency") }}'
                    then exchange_rates.rate
                else 1
            end as decimal(18, 8)
        ) as exchange_rate,
        case
            when typed.order_id is null then 'missing_key'
            when typed.version_issue is not null then typed.version_issue
            when typed.parse_error is not null then typed.parse_error
            when typed.ordered_at is null then 'missing_date'
            when typed.gross_amount is null then 'missing_amount'
            -- The zero dates of spreadsheets, Unix and FAT all lie before.
            when typed.ordered_at < cast('1990-01-01' as timestamp) then 'date_too_old'
            when typed.ordered_at > {{ run_started_at_utc() }} then 'date_in_future'
            when
                abs(typed.gross_amount) >= 1000000000
                or (
                    typed.gross_amount < 0
                    and coalesce(typed.status, '') <> 'credit_note'
                )
                or (typed.gross_amount > 0 and typed.status = 'credit_note')
                or typed.discount_amount < 0
                or typed.refunded_amount < 0
                or (
                    coalesce(typed.discount_amount, 0)
                    + coalesce(typed.refunded_amount, 0)
                    > greatest(typed.gross_amount, 0)
                )
                then 'amount_out_of_range'
            when
                typed.currency <> '{{ var("reporting_currency") }}'
                and exchange_rates.rate is null
                then 'missing_rate'
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

    left join exchange_rates
        on
            typed.currency = exchange_rates.currency
            and cast({{ business_time('typed.ordered_at') }} as date)
            = exchange_rates.rate_date
            and exchange_rates.quarantine_reason is null

),

judged as (

    select
        order_id,
        customer_id,
        email,
        ordered_at,
        status,
        currency,
        gross_amount,
        discount_amount,
        refunded_amount,
        refunded_at,
        cancelled_at,
        item_count,
        category,
        sales_channel,
        payment_method,
        coupon_code,
        is_gift,
        country_code,
        updated_at,
        loaded_at,
        exchange_rate,
        quarantine_reason

    from checked

)

select * from judged
{% endmacro %}
