{#- The longest computation is shared by all who bought as often in as much time. -#}
{%- set horizons = [30, 90, 365, var('prediction_days')] | unique | list -%}

with

histories as (

    select * from {{ ref('int_purchase_histories') }}

),

parameters as (

    select * from {{ ref('purchase_model_parameters') }}

    where is_used

),

nodes as (

    select * from {{ ref('int_quadrature_nodes') }}

),

-- Whoever may leave after the first purchase has had one more chance to leave.
order_models as (

    select
        *,
        case when model = 'mbg_nbd' then 1 else 0 end as first_counts

    from parameters

    where model <> 'gamma_gamma'

),

spend_models as (

    select * from parameters

    where model = 'gamma_gamma'

),

pairs as (

    select distinct
        cutoff_date,
        repeat_count,
        age_days

    from histories

),

-- Weights of the leaving probability of those who are still there.
weighted as (

    select
        pairs.cutoff_date,
        pairs.repeat_count,
        pairs.age_days,
        nodes.leaving_probability,
        order_models.r + pairs.repeat_count as shape,
        order_models.alpha + pairs.age_days / 7.0e0 as scale,
        -- Beyond the limits doubles underflow, which PostgreSQL calls an error.
        exp(greatest(
            -600,
            ln(greatest(nodes.weight, 1e-300))
            + (pairs.repeat_count + order_models.first_counts)
            * ln(greatest(1 - nodes.leaving_probability, 1e-300))
        )) as weight

    from pairs

    inner join order_models on pairs.cutoff_date = order_models.cutoff_date

    inner join nodes on pairs.cutoff_date = nodes.cutoff_date

),

expected_while_there as (

    select
        cutoff_date,
        repeat_count,
        age_days,

        {% for days in horizons %}
        sum(
            weight / leaving_probability
            * (
                1 - exp(greatest(
                    -600,
                    -shape * ln(1 + leaving_probability * {{ days / 7 }}e0 / scale)
                ))
            )
        )
        / sum(weight) as order_count_{{ days }}d{{ "," if not loop.last }}
        {% endfor %}

    from weighted

    group by cutoff_date, repeat_count, age_days

),

with_models as (

    select
        histories.*,
        order_models.r + histories.repeat_count as shape,
        order_models.alpha + histories.age_days / 7.0e0 as scale,

        case
            when histories.repeat_count + order_models.first_counts > 0
                then 1 / (
                    1 + exp(least(
                        600,
                        ln(order_models.a)
                        - ln(
                            order_models.b
                            + histories.repeat_count
                            + order_models.first_counts
                            - 1
                        )
                        + (order_models.r + histories.repeat_count) * ln(
                            (order_models.alpha + histories.age_days / 7.0e0)
                            / (
                                order_models.alpha
                                + histories.last_repeat_age_days / 7.0e0
                            )
                        )
                    ))
                )
            when order_models.first_counts = 0 then 1
        end as there_probability,

        -- Refunds beyond what was spent are no spending.
        case
            when spend_models.p is not null
                then
                    spend_models.p
                    * (spend_models.gamma + greatest(histories.repeat_amount, 0))
                    / (spend_models.p * histories.repeat_count + spend_models.q - 1)
            else
                greatest(histories.net_amount, 0) / (histories.repeat_count + 1.0e0)
        end as order_amount

    from histories

    left join order_models on histories.cutoff_date = order_models.cutoff_date

    left join spend_models on histories.cutoff_date = spend_models.cutoff_date

),

predicted as (

    select
        with_models.*,
        {% for days in horizons %}
        with_models.there_probability * expected_while_there.order_count_{{ days }}d
            as order_count_{{ days }}d,
        {% endfor %}
        with_models.there_probability * (
            1 - exp(greatest(
                -600,
                with_models.shape * ln(
                    with_models.scale
                    / (with_models.scale + {{ var('prediction_days') / 7 }}e0)
                )
            ))
        ) as order_probability,
        -- Half of such customers order within this time; nobody knows of those who likelier never do.
        case
            when with_models.there_probability > 0.5
                then 7 * with_models.scale * (
                    exp(least(
                        30,
                        -ln(1 - 0.5e0 / with_models.there_probability)
                        / with_models.shape
                    )) - 1
                )
        end as days_to_next_order

    from with_models

    left join expected_while_there
        on
            with_models.cutoff_date = expected_while_there.cutoff_date
            and with_models.repeat_count = expected_while_there.repeat_count
            and with_models.age_days = expected_while_there.age_days

),

-- Ten digits: what is beyond them depends on the order of a sum.
rounded as (

    select
        cutoff_date,
        customer_id,
        repeat_count,
        last_repeat_age_days,
        age_days,
        net_amount,
        repeat_amount,
        {% for value in ['there_probability', 'order_probability', 'order_amount', 'days_to_next_order'] %}
        cast({{ value }} as decimal(28, 10)) as {{ value }},
        {% endfor %}
        {% for days in horizons %}
        cast(order_count_{{ days }}d as decimal(28, 10)) as order_count_{{ days }}d{{ "," if not loop.last }}
        {% endfor %}

    from predicted

)

select * from rounded
