{%- set days = var('prediction_days') | int -%}
{%- set names = ['rfm'] + (schemes() | list) -%}
{%- set digits = "'0123456789abcdef'" -%}

with

segments as (

    select * from {{ ref('customer_segments') }}

),

known_orders as (

    select * from {{ ref('int_known_orders') }}

),

features as (

    select * from {{ ref('customer_features') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

built_dates as (

    select distinct as_of_date from segments

),

-- Slices after the as-of date have not happened yet.
chosen_dates as (

    select
        as_of.as_of_date,
        max(
            case
                when built_dates.as_of_date < as_of.as_of_date
                    then built_dates.as_of_date
            end
        ) as previous_date,
        max(
            case
                when
                    built_dates.as_of_date
                    <= cast({{ dbt.dateadd('day', -days, 'as_of.as_of_date') }} as date)
                    then built_dates.as_of_date
            end
        ) as judged_date

    from as_of

    cross join built_dates

    group by as_of.as_of_date

),

-- Joined by equality, so that no other slice is read.
slices as (

    select
        built_dates.as_of_date,
        built_dates.as_of_date = chosen_dates.as_of_date as is_present,
        coalesce(built_dates.as_of_date = chosen_dates.previous_date, false)
            as is_previous,
        coalesce(built_dates.as_of_date = chosen_dates.judged_date, false) as is_judged

    from built_dates

    inner join chosen_dates
        on
            built_dates.as_of_date = chosen_dates.as_of_date
            or built_dates.as_of_date = chosen_dates.previous_date
            or built_dates.as_of_date = chosen_dates.judged_date

),

previous as (

    select segments.*

    from segments

    inner join slices
        on segments.as_of_date = slices.as_of_date and slices.is_previous

),

followed as (

    select
        known_orders.customer_id,
        cast(
            sum(known_orders.order_amount - known_orders.refunded_amount)
            as decimal(18, 2)
        ) as net_amount,
        max(case when known_orders.is_order then 1 else 0 end) as active_count

    from known_orders

    inner join chosen_dates
        on
            known_orders.business_date > chosen_dates.judged_date
            and known_orders.business_date
            <= cast(
                {{ dbt.dateadd('day', days, 'chosen_dates.judged_date') }} as date
            )

    group by known_orders.customer_id

),

hashed as (

    select
        segments.*,
        slices.is_present,
        slices.is_previous,
        slices.is_judged,
        md5(segments.customer_id) as customer_hash

    from segments

    inner join slices on segments.as_of_date = slices.as_of_date

),

-- Whether a customer of the present slice stayed in the segment is its first letter: a
-- column of its own for each scheme is more than Spark groups by.
joined as (

    select
        hashed.as_of_date,
        {% for name in names %}
        case
            when not hashed.is_present then hashed.{{ name }}
            when hashed.{{ name }} = previous.{{ name }} then '1' || hashed.{{ name }}
            when hashed.{{ name }} <> previous.{{ name }} then '0' || hashed.{{ name }}
            else '-' || hashed.{{ name }}
        end as {{ name }},
        {% endfor %}
        -- Three hexadecimal digits, so that the twenty folds are nearly of one size.
        mod(
            256 * position(substring(hashed.customer_hash, 1, 1) in {{ digits }})
            + 16 * position(substring(hashed.customer_hash, 2, 1) in {{ digits }})
            + position(substring(hashed.customer_hash, 3, 1) in {{ digits }}),
            20
        ) as fold,
        case
            when hashed.is_judged
                then coalesce(followed.net_amount, cast(0 as decimal(18, 2)))
        end as next_net_amount,
        case when hashed.is_judged then coalesce(followed.active_count, 0) end
            as next_active_count,
        case
            when features.consented_channel_count > 0 then 1
            when features.consented_channel_count = 0 then 0
        end as reachable_count

    from hashed

    left join followed
        on hashed.customer_id = followed.customer_id and hashed.is_judged

    -- The features are of the present slice.
    left join features
        on
            hashed.customer_id = features.customer_id
            and hashed.as_of_date = features.as_of_date

    left join previous
        on hashed.customer_id = previous.customer_id and hashed.is_present

),

-- In one pass: a set for each scheme, with nulls in the columns of the others. Spark
-- groups by 64 columns at most.
grouped as (

    {% for batch in names | batch(60) %}
    select
        as_of_date,
        fold,
        coalesce(
            {% for name in batch %}
            case when {{ name }} is not null then '{{ name }}' end,
            {% endfor %}
            null
        ) as scheme,
        coalesce(
            {% for name in batch %}
            {{ name }},
            {% endfor %}
            null
        ) as segment,

        count(*) as customer_count,
        sum(reachable_count) as reachable_count,
        count(reachable_count) as consent_known_count,
        sum(next_net_amount) as next_net_amount,
        sum(next_net_amount * next_net_amount) as next_net_amount_squared,
        sum(next_active_count) as next_active_count

    from joined

    group by grouping sets ( -- noqa: PRS
        {% for name in batch %}
        (as_of_date, fold, {{ name }}){{ "," if not loop.last }}
        {% endfor %}
    )

    {{ "union all" if not loop.last }}
    {% endfor %}

),

-- A scheme that is newer than the slice has no segments there.
told_apart as (

    select
        grouped.*,
        slices.is_present,
        slices.is_previous,
        slices.is_judged,
        case when slices.is_present then substring(grouped.segment, 1, 1) end
            as stayed,
        case
            when slices.is_present then substring(grouped.segment, 2)
            else grouped.segment
        end as segment_name

    from grouped

    inner join slices on grouped.as_of_date = slices.as_of_date

    where grouped.segment is not null

),

aggregated as (

    select
        as_of_date,
        is_present,
        is_previous,
        is_judged,
        scheme,
        segment_name as segment,
        cast(fold as integer) as fold,

        cast(sum(customer_count) as bigint) as customer_count,
        cast(sum(case when stayed in ('0', '1') then customer_count end) as bigint)
            as continuing_count,
        cast(
            sum(
                case
                    when stayed = '1' then customer_count
                    when stayed = '0' then 0
                end
            ) as bigint
        ) as stayed_count,
        cast(sum(consent_known_count) as bigint) as consent_known_count,
        cast(sum(reachable_count) as bigint) as reachable_count,
        cast(sum(next_net_amount) as decimal(28, 2)) as next_net_amount,
        cast(sum(next_net_amount_squared) as decimal(38, 4)) as next_net_amount_squared,
        cast(sum(next_active_count) as bigint) as next_active_count

    from told_apart

    group by
        as_of_date,
        is_present,
        is_previous,
        is_judged,
        scheme,
        segment_name,
        fold

)

select * from aggregated
