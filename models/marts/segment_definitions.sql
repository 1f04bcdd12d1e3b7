with

defined as (

    {{ segment_definition_rows() }}

)

select * from defined
