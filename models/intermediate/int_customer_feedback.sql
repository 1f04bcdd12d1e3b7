with

feedback as (

    {{ known_events(
        'stg_feedback',
        'submitted_at',
        ['feedback_type', 'score', 'wait_hours', 'resolved_at']
    ) }}

),

judged as (

    select
        *,
        case
            when feedback_type = 'nps' then 'nps'
            when
                feedback_type in ('csat', 'review', 'support_ticket')
                and score is not null
                then 'rating'
        end as scale_name,
        -- A complaint that is settled later is open on the as-of date.
        feedback_type in ('complaint', 'support_ticket')
        and (
            resolved_at is null
            or cast({{ business_time('resolved_at') }} as date) > as_of_date
        ) as is_open

    from feedback

),

ranked as (

    select
        *,
        -- Of two scores of the same moment the lower one is to be taken seriously.
        row_number() over (
            partition by customer_id, scale_name
            order by submitted_at desc, score asc
        ) as recency_number

    from judged

),

aggregated as (

    select
        customer_id,

        count(*) as feedback_count,
        max(case when scale_name = 'nps' and recency_number = 1 then score end)
            as nps_score,
        max(case when scale_name = 'rating' and recency_number = 1 then score end)
            as last_rating,
        {{ ratio(
            "sum(case when scale_name = 'rating' and age_days < 365 then score end)",
            "count(*) filter (where scale_name = 'rating' and age_days < 365)"
        ) }}
            as average_rating_365d,
        min(case when scale_name = 'rating' and age_days < 30 then score end)
            as lowest_rating_30d,
        min(case when scale_name = 'nps' and age_days < 30 then score end)
            as lowest_nps_30d,
        count(*) filter (where feedback_type = 'complaint' and age_days < 30)
            as complaint_count_30d,
        cast(max(case when age_days < 30 then wait_hours end) as decimal(18, 2))
            as longest_wait_hours_30d,
        count(*) filter (where is_open and age_days < 90) as open_ticket_count

    from ranked

    group by customer_id

)

select * from aggregated
