with recursive

parameters as (

    select * from {{ ref('purchase_model_parameters') }}

    where is_used and quadrature_nodes is not null

),

half as (

    select 1 as node_number

    union all

    select node_number + 1 as node_number

    from half

    where node_number < 64

),

-- Spark takes a hundred steps at most.
numbers as (

    select node_number from half

    union all

    select node_number + 64 as node_number from half

),

split as (

    select
        parameters.cutoff_date,
        numbers.node_number,
        cast(
            split_part(parameters.quadrature_nodes, ' ', numbers.node_number)
            as {{ double_type() }}
        ) as leaving_probability,
        cast(
            split_part(parameters.quadrature_weights, ' ', numbers.node_number)
            as {{ double_type() }}
        ) as weight

    from parameters

    cross join numbers

)

select * from split
