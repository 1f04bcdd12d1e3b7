with

reviews as (

    select * from {{ olist_file('olist_order_reviews_dataset') }}

),

orders as (

    select * from {{ ref('marketplace_orders') }}

),

dated as (

    select
        review_id,
        order_id,
        review_score,
        -- Where the day of the question is lost, 47 rows have it in the place of the
        -- answer's, and the others have neither.
        case when review_creation_date is not null then review_answer_timestamp end
            as answered_at

    from reviews

),

joined as (

    select
        -- A review of several orders has one id.
        dated.review_id || '/' || dated.order_id as review_id,
        dated.order_id,
        orders.person_id,
        dated.review_score,
        dated.answered_at,
        -- Who answered before the delivery had waited until then.
        date_diff(
            'second', orders.ordered_at, least(orders.delivered_at, dated.answered_at)
        ) as wait_seconds

    from dated

    left join orders on dated.order_id = orders.order_id

),

converted as (

    select
        review_id,
        order_id,
        person_id,
        review_score,
        answered_at,
        {{ customer_segmentation.ratio('wait_seconds', 3600, digits=2) }} as wait_hours

    from joined

)

select * from converted
