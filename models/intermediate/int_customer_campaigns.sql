with

events as (

    {{ known_events('stg_campaign_events', 'occurred_at', ['campaign', 'event_type']) }}

),

-- Who clicked has opened, though no pixel said so; who bought has clicked. Events
-- without a campaign are one campaign.
by_campaign as (

    select
        customer_id,
        campaign,

        bool_or(age_days < 365) as is_recent,
        bool_or(
            age_days < 365 and event_type in ('opened', 'clicked', 'converted')
        ) as is_opened,
        bool_or(age_days < 365 and event_type in ('clicked', 'converted'))
            as is_clicked,
        bool_or(age_days < 365 and event_type = 'converted') as is_converted,
        bool_or(event_type in ('unsubscribed', 'complained')) as is_opted_out

    from events

    group by customer_id, campaign

),

aggregated as (

    select
        customer_id,

        count(*) filter (where is_recent) as campaign_count_365d,
        {{ share(
            'count(*) filter (where is_opened)', 'count(*) filter (where is_recent)'
        ) }}
            as opened_campaign_share,
        {{ share(
            'count(*) filter (where is_clicked)', 'count(*) filter (where is_recent)'
        ) }}
            as clicked_campaign_share,
        count(*) filter (where is_converted) as converted_campaign_count_365d,
        bool_or(is_opted_out) as has_opted_out

    from by_campaign

    group by customer_id

)

select * from aggregated
