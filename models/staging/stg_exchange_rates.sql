{%- set currency = "upper(" ~ clean_text('currency') ~ ")" -%}
{%- set rate_date = cast_or_null('rate_date', 'date') -%}
{%- set rate = cast_or_null('rate', 'decimal(18, 8)') -%}
with

raw_exchange_rates as (

    {{ raw_versions(
        'exchange_rates',
        key=currency ~ " || ' ' || cast(" ~ rate_date ~ " as " ~ text_type() ~ ")",
        conflict_on=rate
    ) }}

),

typed as (

    select
        {{ currency }} as currency,
        {{ rate_date }} as rate_date,
        {{ rate }} as rate,

        case
            when {{ any_unparsable(['rate_date'], 'date') }} then 'unparsable_date'
            when
                {{ any_unparsable(['rate'], 'decimal(18, 8)') }}
                then 'unparsable_amount'
        end as parse_error,
        version_issue

    from raw_exchange_rates

),

judged as (

    select
        currency,
        rate_date,
        rate,

        case
            when currency is null then 'missing_key'
            when version_issue is not null then version_issue
            when parse_error is not null then parse_error
            when rate_date is null then 'missing_date'
            when rate is null then 'missing_amount'
            -- A converted amount of any order then fits its type.
            when rate <= 0 or rate >= 1000000 then 'value_out_of_range'
        end as quarantine_reason

    from typed

)

select * from judged
