{#- Whatever it is, so that dbt comes to check_configuration(), which refuses it. -#}
{%- set days = var('prediction_days') | int or 1 -%}
{#- What the middles of days 1 to 30, 31 to 90 and 91 to 365 are worth today. -#}
{%- set rate = 1 + var('discount_rate') | float -%}
{%- set worth = {
    30: rate ** (-15 / 365),
    90: rate ** (-60 / 365),
    365: rate ** (-227.5 / 365),
} -%}
{%- set days_worth = 30 * worth[30] + 60 * worth[90] + 275 * worth[365] -%}

with

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

predictions as (

    select * from {{ ref('int_customer_predictions') }}

),

current_predictions as (

    select predictions.*

    from predictions

    inner join as_of on predictions.cutoff_date = as_of.as_of_date

),

evaluation as (

    select * from {{ ref('prediction_evaluation') }}

),

totals as (

    select
        {% for score in ['orders', 'amount', 'churn'] %}
        max(case when score = '{{ score }}' then best_predictor end)
            as {{ score }}_predictor,
        {% for total in ['total_actual', 'total_predicted'] %}
        cast(
            max(
                case
                    when score = '{{ score }}' and metric = '{{ total }}'
                        then metric_value
                end
            ) as decimal(28, 6)
        ) as {{ score }}_{{ total }},
        {% endfor %}
        {% endfor %}
        cast(
            sum(
                case
                    when score = 'churn' and metric = 'decile_customers'
                        then metric_value
                end
            ) as decimal(28, 6)
        ) as customers

    from evaluation

    where
        predictor
        = case when best_predictor = 'blend' then 'blend' else 'purchase_model' end

),

-- By how much the model, or its blend with a naive guess, was wrong in all.
factors as (

    select
        orders_predictor,
        amount_predictor,
        churn_predictor,
        -- In millionths, of which ratio() loses none.
        coalesce({{ ratio(
            '1000000 * orders_total_actual', '1000000 * orders_total_predicted'
        ) }}, 1)
            as orders_factor,
        coalesce({{ ratio(
            '1000000 * amount_total_actual', '1000000 * amount_total_predicted'
        ) }}, 1)
            as amount_factor,
        coalesce({{ ratio(
            '1000000 * (customers - churn_total_actual)',
            '1000000 * (customers - churn_total_predicted)'
        ) }}, 1)
            as chance_factor,
        {{ ratio(
            '1000000 * churn_total_actual', '1000000 * churn_total_predicted'
        ) }}
            as churn_factor

    from totals

),

-- What came of those whose baseline lay between two bounds; the lowest has no lower.
bounds as (

    select
        score,
        decile,
        max(case when metric = 'decile_lower_bound' then metric_value end)
            as lower_bound,
        cast(
            max(case when metric = 'decile_actual' then metric_value end)
            as decimal(19, 6)
        ) as actual

    from evaluation

    where
        predictor = best_predictor
        and predictor not in ('purchase_model', 'blend')
        and decile is not null

    group by score, decile

),

steps as (

    select
        score,
        actual,
        case
            when lag(decile) over highest_last is not null then lower_bound
        end as lower_bound,
        lead(lower_bound) over highest_last as next_bound

    from bounds

    window highest_last as (
        partition by score
        order by decile desc
    )

),

with_baselines as (

    select
        current_predictions.*,
        {% for score, sign in [('orders', '1'), ('amount', '1'), ('churn', '-1')] %}
        {{ sign }} * case factors.{{ score }}_predictor
            when 'frequency' then current_predictions.repeat_count
            when 'recency'
                then
                    current_predictions.last_repeat_age_days
                    - current_predictions.age_days
            when 'spend_to_date' then current_predictions.net_amount
        end as {{ score }}_baseline,
        {% endfor %}
        factors.*

    from current_predictions

    cross join factors

),

with_actuals as (

    select
        {% for score in ['orders', 'amount', 'churn'] %}
        {{ score }}_steps.actual as {{ score }}_actual,
        {% endfor %}
        with_baselines.*

    from with_baselines

    {% for score in ['orders', 'amount', 'churn'] %}
    left join steps as {{ score }}_steps
        on
            {{ score }}_steps.score = '{{ score }}'
            and (
                {{ score }}_steps.lower_bound is null
                or with_baselines.{{ score }}_baseline >= {{ score }}_steps.lower_bound
            )
            and (
                {{ score }}_steps.next_bound is null
                or with_baselines.{{ score }}_baseline < {{ score }}_steps.next_bound
            )
    {% endfor %}

),

-- From here on in decimals: a half is rounded up on every engine. DuckDB multiplies two
-- of at most 18 digits into 18, Spark into 38 at most: hence 19.
discounted as (

    select
        *,
        cast(
            {{ worth[30] | round(8) }} * order_count_30d
            + {{ worth[90] | round(8) }} * (order_count_90d - order_count_30d)
            + {{ worth[365] | round(8) }} * (order_count_365d - order_count_90d)
            as decimal(18, 8)
        ) as discounted_order_count

    from with_actuals

),

valued as (

    select
        *,
        cast(order_amount * discounted_order_count as decimal(19, 6))
            as discounted_amount,
        greatest(net_amount, 0) as spent_amount

    from discounted

),

-- Half the model's, half a naive guess that adds up to as much for everybody.
blended as (

    select
        *,

        {% for horizon in [30, 90, 365] %}
        {%- set orders = 'order_count_' ~ horizon ~ 'd' %}
        cast(
            case
                when orders_predictor = 'blend'
                    then ({{ orders }} + {{ scaled_to(orders, 'repeat_count') }}) / 2
                else {{ orders }}
            end as decimal(19, 8)
        ) as blended_{{ orders }},
        {% endfor %}
        cast(
            case
                when amount_predictor = 'blend'
                    then
                        (
                            discounted_amount
                            + {{ scaled_to('discounted_amount', 'spent_amount') }}
                        ) / 2
                else discounted_amount
            end as decimal(19, 6)
        ) as blended_amount,
        cast(
            case
                when churn_predictor = 'blend'
                    then
                        (
                            1 - order_probability + exp(greatest(
                                -600,
                                -{{ scaled_to(
                                    'order_count_' ~ days ~ 'd', 'repeat_count'
                                ) }}
                            ))
                        ) / 2
                else 1 - order_probability
            end as decimal(19, 8)
        ) as left_probability

    from valued

),

calibrated as (

    select
        cutoff_date as as_of_date,
        customer_id,

        {% for horizon in [30, 90, 365] %}
        coalesce(
            orders_actual * {{ (horizon / days) | round(8) }},
            blended_order_count_{{ horizon }}d * orders_factor
        ) as expected_order_count_{{ horizon }}d,
        {% endfor %}
        order_amount as expected_order_amount,
        coalesce(
            amount_actual * {{ (days_worth / days) | round(8) }},
            blended_amount * amount_factor
        ) as predicted_amount_365d,
        -- Whichever of the two was too high is lowered, so that neither passes 0 or 1.
        case
            when churn_actual is not null then churn_actual
            when churn_factor < 1 then left_probability * churn_factor
            else 1 - (1 - left_probability) * chance_factor
        end as churn_probability,
        -- Nobody plans beyond ten years.
        case when days_to_next_order <= 3650 then days_to_next_order end
            as expected_days_to_next_order,

        {% for score in ['orders', 'amount', 'churn'] %}
        case
            when order_probability is not null
                then coalesce({{ score }}_predictor, 'purchase_model')
        end as {{ score }}_predictor,
        {% endfor %}
        orders_predictor is not null as is_evaluated

    from blended

),

rounded as (

    select
        as_of_date,
        customer_id,
        {% for horizon in [30, 90, 365] %}
        cast(expected_order_count_{{ horizon }}d as decimal(18, 6))
            as expected_order_count_{{ horizon }}d,
        {% endfor %}
        cast(expected_order_amount as decimal(18, 2)) as expected_order_amount,
        cast(predicted_amount_365d as decimal(18, 2)) as predicted_amount_365d,
        cast(churn_probability as decimal(9, 6)) as churn_probability,
        cast(ceil(expected_days_to_next_order) as integer)
            as expected_days_to_next_order,
        orders_predictor,
        amount_predictor,
        churn_predictor,
        is_evaluated

    from calibrated

),

accumulated as (

    select
        *,

        -- A range frame takes equal amounts together, so equal customers share a tier.
        sum(predicted_amount_365d) over (
            order by predicted_amount_365d desc nulls last
            range between unbounded preceding and current row
        ) as amount_down_to_here,
        sum(predicted_amount_365d) over (partition by predicted_amount_365d)
            as amount_of_equals,
        sum(predicted_amount_365d) over () as amount_in_all

    from rounded

),

tiered as (

    select
        as_of_date,
        customer_id,
        expected_order_count_30d,
        expected_order_count_90d,
        expected_order_count_365d,
        expected_order_amount,
        predicted_amount_365d,
        {{ ratio(
            'case when predicted_amount_365d > 0'
            ' then amount_down_to_here - amount_of_equals end',
            'amount_in_all'
        ) }}
            as predicted_share_above,
        churn_probability,
        expected_days_to_next_order,
        orders_predictor,
        amount_predictor,
        churn_predictor,
        is_evaluated

    from accumulated

)

select * from tiered
