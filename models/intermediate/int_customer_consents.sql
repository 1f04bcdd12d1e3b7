with

consents as (

    {{ known_events('stg_consents', 'recorded_at', ['channel', 'purpose', 'status']) }}

),

ranked as (

    select
        customer_id,
        channel,
        status,
        -- Said both at once, no means no.
        row_number() over (
            partition by customer_id, channel
            order by
                recorded_at desc, case when status = 'withdrawn' then 0 else 1 end asc
        ) as recency_number

    from consents

    where coalesce(purpose, 'marketing') = 'marketing'

),

aggregated as (

    select
        customer_id,

        count(*) filter (where status = 'granted') as consented_channel_count,
        count(*) filter (where status = 'withdrawn') as withdrawn_channel_count,
        bool_or(case when channel = 'email' then status = 'granted' end)
            as has_email_consent

    from ranked

    where recency_number = 1

    group by customer_id

)

select * from aggregated
