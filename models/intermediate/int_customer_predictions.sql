{#- The longest computation is shared by all who bought as often in as much time. -#}
{%- set prediction_days = var('prediction_days') | int -%}
{%- set horizons = [30, 90, 365, prediction_days] | unique | list -%}

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
        / sum(weight) as order_count_{{ days }}d,
        {% endfor %}
        age_days

    from weighted

    group by cutoff_date, repeat_count, age_days

),

with_models as (

    select
        histories.*,
        order_models.model as order_model,
        order_models.r + histories.repeat_count as shape,
        order_models.alpha + histories.age_days / 7.0e0 as scale,
        order_models.alpha + histories.last_repeat_age_days / 7.0e0 as scale_until_last,
        order_models.a,
        case
            when order_models.model = 'nbd' then 0
            else histories.repeat_count + order_models.first_counts
        end as chance_count,
        order_models.b + histories.repeat_count + order_models.first_counts - 1
            as stays,

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

with_odds as (

    select
        *,
        case
            when chance_count = 0 then -600
            when chance_count > 0
                then ln(a) - ln(stays) + shape * ln(scale / scale_until_last)
        end as log_odds_to_have_left

    from with_models

),

still_there as (

    select
        *,
        case
            when log_odds_to_have_left > 600 then 0
            when log_odds_to_have_left is not null
                then 1 / (1 + exp(log_odds_to_have_left))
        end as there_probability

    from with_odds

),

predicted as (

    select
        still_there.*,
        {% for days in horizons %}
        case
            when still_there.order_model = 'nbd'
                then still_there.shape / still_there.scale * {{ days / 7 }}e0
            else
                still_there.there_probability
                * expected_while_there.order_count_{{ days }}d
        end as order_count_{{ days }}d,
        {% endfor %}
        still_there.there_probability * (
            1 - exp(greatest(
                -600,
                still_there.shape * ln(
                    still_there.scale
                    / (still_there.scale + {{ prediction_days / 7 }}e0)
                )
            ))
        ) as order_probability,
        -- Half of such customers order within this time, if more than half ever do.
        case
            when still_there.there_probability > 0.5
                then
                    7 * still_there.scale * exp(least(
                        20,
                        -ln(1 - 0.5e0 / still_there.there_probability)
                        / still_there.shape
                    ))
                    - 7 * still_there.scale
        end as days_to_next_order

    from still_there

    left join expected_while_there
        on
            still_there.cutoff_date = expected_while_there.cutoff_date
            and still_there.repeat_count = expected_while_there.repeat_count
            and still_there.age_days = expected_while_there.age_days

),

-- What is beyond these digits depends on the engine, and on the order of a sum.
rounded as (

    select
        cutoff_date,
        customer_id,
        repeat_count,
        last_repeat_age_days,
        age_days,
        net_amount,
        repeat_amount,
        {% for days in horizons %}
        cast(order_count_{{ days }}d as decimal(19, 8)) as order_count_{{ days }}d,
        {% endfor %}
        cast(order_amount as decimal(19, 6)) as order_amount,
        cast(order_probability as decimal(19, 8)) as order_probability,
        cast(days_to_next_order as decimal(19, 4)) as days_to_next_order,
        cast(there_probability as decimal(19, 8)) as there_probability

    from predicted

)

select * from rounded
