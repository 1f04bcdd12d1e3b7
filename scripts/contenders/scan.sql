-- The columns that the features need, read and decoded once: nobody can be faster on these files. The arithmetic keeps
-- the files' statistics from answering instead.
create table scanned as
select
    max(strlen(customer_id) + strlen(status) + strlen(category) + strlen(sales_channel) + strlen(payment_method)),
    max(strlen(coupon_code)),
    max(epoch_us(ordered_at) + 1),
    max(epoch_us(refunded_at) + 1),
    max(epoch_us(cancelled_at) + 1),
    sum(gross_amount),
    sum(discount_amount),
    sum(refunded_amount),
    sum(item_count),
    count_if(is_gift),
    null
from orders
union all
select
    max(strlen(customer_id)),
    max(strlen(visitor_id) + strlen(device_type) + strlen(traffic_source)),
    max(epoch_us(started_at) + 1),
    max(epoch_us(ended_at) + 1),
    sum(page_views),
    sum(product_views),
    sum(searches),
    sum(cart_additions),
    sum(checkouts),
    sum(shares),
    count(*)
from sessions;
