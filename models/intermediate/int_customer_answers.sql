with

answers as (

    {{ known_events('stg_survey_answers', 'answered_at', ['question', 'answer']) }}

),

ranked as (

    select
        customer_id,
        question,
        answer,
        -- At the same moment the alphabet decides.
        row_number() over (
            partition by customer_id, question
            order by answered_at desc, {{ text_order('answer') }} asc
        ) as recency_number

    from answers

    -- Whoever skips a question takes nothing back.
    where answer is not null

),

aggregated as (

    select
        customer_id,

        count(*) as survey_answer_count,
        max(case when question = 'motivation' and recency_number = 1 then answer end)
            as motivation,
        max(case when question = 'cooperation' and recency_number = 1 then answer end)
            as cooperation_preference

    from ranked

    group by customer_id

)

select * from aggregated
