{{ config(enabled=var('raw') != 'sample', severity='warn') }}

with

checks as (

    select * from {{ ref('pipeline_health') }}

)

select * from checks

where status = 'warn'
