with

raw_lines as (

    select *

    from
        read_parquet(
            '{{ env_var("SEGMENTATION_DATA_PATH", "../../../shared/data") }}'
            || '/online_retail/online_retail.parquet'
        )

),

country_codes as (

    select * from {{ ref('country_codes') }}

),

kept as (

    select
        raw_lines.invoiceno as invoice_number,
        -- A double in the file: 17850.0.
        cast(cast(raw_lines.customerid as bigint) as varchar) as customer_id,
        raw_lines.invoicedate as invoiced_at,
        country_codes.country_code,
        raw_lines.quantity,
        -- Decimal before it is multiplied; some prices are a tenth of a penny.
        raw_lines.quantity * cast(raw_lines.unitprice as decimal(18, 3)) as line_amount

    from raw_lines

    left join country_codes on raw_lines.country = country_codes.country

    where
        raw_lines.customerid is not null
        and raw_lines.unitprice > 0
        and {{ cancellation_filter('raw_lines.quantity') }}

)

select * from kept
