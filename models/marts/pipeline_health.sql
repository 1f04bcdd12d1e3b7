{%- set limits = var('refused_share') -%}
with

slices as (

    select * from {{ ref('segment_slices') }}

),

event_days as (

    select * from {{ ref('int_event_days') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

source_rows as (

    select * from {{ ref('int_source_rows') }}

),

scorecard as (

    select * from {{ ref('segment_scorecard') }}

),

-- What the same date would be built from now.
known_now as (

    select
        slices.as_of_date,

        {{ event_totals('event_days') }}

    from slices

    left join event_days on slices.as_of_date >= event_days.event_date

    group by slices.as_of_date

),

compared as (

    select
        slices.as_of_date,
        known_now.order_count - slices.order_count as order_count_change,
        known_now.cancelled_count - slices.cancelled_count as cancelled_count_change,
        known_now.session_count - slices.session_count as session_count_change,
        known_now.order_amount - slices.order_amount
        - known_now.refunded_amount + slices.refunded_amount as net_amount_change,
        known_now.order_count = slices.order_count
        and known_now.cancelled_count = slices.cancelled_count
        and known_now.session_count = slices.session_count
        and known_now.order_amount = slices.order_amount
        and known_now.refunded_amount = slices.refunded_amount as is_fresh

    from slices

    inner join known_now on slices.as_of_date = known_now.as_of_date

),

-- The week up to the as-of date, and the eight before it.
recent_events as (

    select
        event_days.order_count,
        event_days.session_count,
        {{ dbt.datediff('event_days.event_date', 'as_of.as_of_date', 'day') }}
            as age_days

    from event_days

    cross join as_of

    where event_days.event_date <= as_of.as_of_date

),

volumes as (

    {% for event in ['order', 'session'] %}
    select
        '{{ event }}s' as subject,
        coalesce(sum(case when age_days < 7 then {{ event }}_count end), 0)
            as week_count,
        coalesce(sum(case when age_days between 7 and 62 then {{ event }}_count end), 0)
            as eight_weeks_count,
        min(case when {{ event }}_count > 0 then age_days end) as last_age_days

    from recent_events

    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- Of few events, half as many are chance.
judged_volumes as (

    select
        *,
        eight_weeks_count >= 80 as is_judged

    from volumes

),

checks as (

    select
        'slice' as check_name,
        cast(as_of_date as {{ text_type() }}) as subject,
        case when is_fresh then 'ok' else 'stale' end as status,
        case
            when is_fresh then 'nothing of its time has come or gone since it was built'
            else
                'since it was built, '
                || cast(order_count_change as {{ text_type() }}) || ' orders, '
                || cast(cancelled_count_change as {{ text_type() }})
                || ' cancellations, '
                || cast(session_count_change as {{ text_type() }}) || ' sessions and '
                || cast(
                    cast(net_amount_change as decimal(18, 2)) as {{ text_type() }}
                )
                || ' in net amount of its time have come; build it again'
        end as message

    from compared

    union all

    select
        'as_of_date' as check_name,
        cast(as_of_date as {{ text_type() }}) as subject,
        'ok' as status,
        'the last day that the marts see' as message

    from as_of

    union all

    -- Of few rows, a few are a large share, but half are news; each request is
    -- somebody's.
    select
        'refused_rows' as check_name,
        source as subject,
        case
            when row_count >= 1000 and refused_count >= {{ limits.stops }} * row_count
                then 'stop'
            when row_count >= 1000 and refused_count >= {{ limits.warns }} * row_count
                then 'warn'
            when row_count > 0 and 2 * refused_count >= row_count then 'warn'
            when source = 'erasure_requests' and refused_count > 0 then 'warn'
            else 'ok'
        end as status,
        cast(refused_count as {{ text_type() }}) || ' of '
        || cast(row_count as {{ text_type() }})
        || ' rows are faulty; quarantined_rows says why' as message

    from source_rows

    union all

    select
        'volume' as check_name,
        subject,
        case
            when is_judged and 16 * week_count < eight_weeks_count then 'warn' else 'ok'
        end as status,
        cast(week_count as {{ text_type() }}) || ' in the last 7 days, '
        || cast(cast(floor(eight_weeks_count / 8.0) as bigint) as {{ text_type() }})
        || ' in a week of the eight before' as message

    from judged_volumes

    union all

    select
        'freshness' as check_name,
        subject,
        case when is_judged and last_age_days >= 7 then 'warn' else 'ok' end as status,
        coalesce(
            'the last came ' || cast(last_age_days as {{ text_type() }})
            || ' days before the as-of date',
            'there are none'
        ) as message

    from judged_volumes

    union all

    select
        'drift' as check_name,
        scorecard.scheme as subject,
        case
            when
                scorecard.stability_index
                > {{ scorecard_bounds().most_stability_index }}
                then 'warn'
            else 'ok'
        end as status,
        'the sizes of its segments have an index of '
        || cast(
            cast(scorecard.stability_index as decimal(9, 3)) as {{ text_type() }}
        )
        || ' against ' || cast(scorecard.previous_date as {{ text_type() }}) as message

    from scorecard

    inner join as_of on scorecard.as_of_date = as_of.as_of_date

    where scorecard.stability_index is not null

)

select * from checks
