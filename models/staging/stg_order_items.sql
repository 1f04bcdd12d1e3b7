with

raw_order_items as (

    {{ raw_versions('order_items', key='order_item_id', conflict_on='order_id') }}

),

-- The table: the view of staged orders would read all raw orders again.
orders as (

    select * from {{ ref('int_orders') }}

),

typed as (

    select
        {{ clean_text('order_item_id') }} as order_item_id,
        {{ clean_text('order_id') }} as order_id,
        {{ clean_text('product_id') }} as product_id,
        lower({{ clean_text('category') }}) as category,
        {{ cast_or_null('quantity', 'integer') }} as quantity,
        {{ cast_or_null('unit_price', 'decimal(18, 2)') }} as unit_price,

        case
            when
                {{ any_unparsable(['unit_price'], 'decimal(18, 2)') }}
                then 'unparsable_amount'
            when
                {{ any_unparsable(['quantity'], 'integer') }}
                then 'unparsable_value'
        end as parse_error,
        version_issue

    from raw_order_items

),

checked as (

    select
        typed.*,

        case
            when typed.order_item_id is null then 'missing_key'
            when typed.version_issue is not null then typed.version_issue
            when typed.parse_error is not null then typed.parse_error
            when typed.order_id is null then 'missing_value'
            when
                typed.quantity < 0
                or typed.unit_price < 0
                or typed.unit_price >= 1000000000
                then 'value_out_of_range'
            when orders.order_id is null then 'orphan'
        end as quarantine_reason

    from typed

    left join orders on typed.order_id = orders.order_id

),

judged as (

    select
        order_item_id,
        order_id,
        product_id,
        category,
        quantity,
        unit_price,
        quarantine_reason

    from checked

)

select * from judged
