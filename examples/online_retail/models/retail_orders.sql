with

invoice_lines as (

    select * from {{ ref('invoice_lines') }}

),

aggregated_to_invoice as (

    select
        invoice_number as order_id,
        customer_id,
        country_code,
        min(invoiced_at) as ordered_at,
        case when invoice_number like 'C%' then 'credit_note' else 'completed' end
            as status,
        cast(round(sum(line_amount), 2) as decimal(18, 2)) as gross_amount,
        -- Pieces sent back are not pieces ordered.
        sum(quantity) filter (where quantity > 0) as item_count

    from invoice_lines

    group by invoice_number, customer_id, country_code

)

select * from aggregated_to_invoice
