with

customers as (

    select * from {{ ref('int_customers') }}

),

job_roles as (

    select * from {{ ref('job_roles') }}

),

-- Words stand between blanks, so that the cto is not found in a director.
titles as (

    select distinct
        job_title,
        ' ' || lower(translate(job_title, ',;:./|&+()-_', '            ')) || ' '
            as title_words

    from customers

),

matched as (

    select
        titles.job_title,
        job_roles.decision_role,
        row_number() over (
            partition by titles.job_title
            order by
                job_roles.priority asc, {{ text_order('job_roles.keyword') }} asc
        ) as match_number

    from titles

    inner join job_roles
        on titles.title_words like '% ' || job_roles.keyword || ' %'

),

judged as (

    select
        job_title,
        decision_role

    from matched

    where match_number = 1

)

select * from judged
