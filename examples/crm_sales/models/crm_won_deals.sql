with

deals as (

    select * from {{ crm_file('sales_pipeline') }}

),

products as (

    select * from {{ crm_file('products') }}

),

won as (

    select
        opportunity_id,
        account,
        {{ month_first('close_date') }} as closed_at,
        replace(product, 'GTXPro', 'GTX Pro') as product,
        close_value

    from deals

    where deal_stage = 'Won'

),

joined as (

    select
        won.opportunity_id,
        won.account,
        won.closed_at,
        won.product,
        products.series,
        won.close_value

    from won

    left join products on won.product = products.product

)

select * from joined
