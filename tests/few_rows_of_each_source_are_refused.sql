-- The sample holds every fault on purpose.
{{ config(enabled=var('raw') != 'sample') }}

with

checks as (

    select * from {{ ref('pipeline_health') }}

)

select * from checks

where status = 'stop'
