{%- set days = var('prediction_days') -%}
{#- Spans of a year: from and to which day, and what their middle is worth today. -#}
{%- set spans = [] -%}
{%- for first, last in [(0, 30), (30, 90), (90, 365)] -%}
    {%- do spans.append({
        'first': first,
        'last': last,
        'worth': (1 + var('discount_rate')) ** (-(first + last) / 2 / 365),
    }) -%}
{%- endfor -%}

with

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

predictions as (

    select predictions.*

    from {{ ref('int_customer_predictions') }} as predictions

    inner join as_of on predictions.cutoff_date = as_of.as_of_date

),

evaluation as (

    select * from {{ ref('prediction_evaluation') }}

),

-- By how much the model was wrong in all, for orders, amounts and the chance to order.
factors as (

    select
        {% for score in ['orders', 'amount'] %}
        max(case when score = '{{ score }}' and metric = 'total_actual' then metric_value end)
        / max(
            case
                when score = '{{ score }}' and metric = 'total_predicted'
                    then nullif(cast(metric_value as {{ double_type() }}), 0)
            end
        ) as {{ score }}_factor,
        {% endfor %}
        sum(
            case
                when score <> 'churn' then 0
                when metric = 'decile_customers' then metric_value
                when metric = 'total_actual' then -metric_value
                else 0
            end
        ) / nullif(cast(
            sum(
                case
                    when score <> 'churn' then 0
                    when metric = 'decile_customers' then metric_value
                    when metric = 'total_predicted' then -metric_value
                    else 0
                end
            ) as {{ double_type() }}
        ), 0) as churn_factor,
        {% for score in ['orders', 'amount', 'churn'] %}
        max(case when score = '{{ score }}' then best_predictor end)
            as {{ score }}_predictor{{ "," if not loop.last }}
        {% endfor %}

    from evaluation

    where predictor = 'purchase_model'

),

-- What came of those whose baseline lay between two bounds; the lowest has no lower one.
bounds as (

    select
        score,
        decile,
        max(case when metric = 'decile_lower_bound' then metric_value end) as lower_bound,
        max(case when metric = 'decile_actual' then metric_value end) as actual

    from evaluation

    where
        predictor = best_predictor
        and predictor <> 'purchase_model'
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
        predictions.*,
        factors.*,
        {% for score, sign in [('orders', ''), ('amount', ''), ('churn', '-')] %}
        {{ sign }}(
            case factors.{{ score }}_predictor
                when 'frequency' then predictions.repeat_count
                when 'recency'
                    then
                        predictions.last_repeat_age_days - predictions.age_days
                when 'spend_to_date' then predictions.net_amount
                when 'mean' then 0
            end
        ) as {{ score }}_baseline{{ "," if not loop.last }}
        {% endfor %}

    from predictions

    cross join factors

),

with_actuals as (

    select
        with_baselines.*,
        {% for score in ['orders', 'amount', 'churn'] %}
        {{ score }}_steps.actual as {{ score }}_actual{{ "," if not loop.last }}
        {% endfor %}

    from with_baselines

    {% for score in ['orders', 'amount', 'churn'] %}
    left join steps as {{ score }}_steps
        on
            {{ score }}_steps.score = '{{ score }}'
            and with_baselines.{{ score }}_baseline
            >= coalesce({{ score }}_steps.lower_bound, with_baselines.{{ score }}_baseline)
            and with_baselines.{{ score }}_baseline
            < coalesce({{ score }}_steps.next_bound, with_baselines.{{ score }}_baseline + 1)
    {% endfor %}

),

calibrated as (

    select
        cutoff_date as as_of_date,
        customer_id,

        {% for horizon in [30, 90, 365] %}
        case
            when orders_actual is not null then orders_actual * {{ horizon / days }}e0
            else order_count_{{ horizon }}d * coalesce(orders_factor, 1)
        end as expected_order_count_{{ horizon }}d,
        {% endfor %}
        order_amount as expected_order_amount,
        case
            when amount_actual is not null
                then amount_actual / {{ days }}e0 * (
                    {% for span in spans %}
                    {{ "+" if not loop.first }} {{ span.worth }}e0 * {{ span.last - span.first }}
                    {% endfor %}
                )
            else
                order_amount * coalesce(amount_factor, 1) * (
                    {% for span in spans %}
                    {{ "+" if not loop.first }} {{ span.worth }}e0
                    * (
                        order_count_{{ span.last }}d
                        {% if span.first %}
                        - order_count_{{ span.first }}d
                        {% endif %}
                    )
                    {% endfor %}
                )
        end as predicted_amount_365d,
        case
            when churn_actual is not null then churn_actual
            else greatest(0, 1 - order_probability * coalesce(churn_factor, 1))
        end as churn_probability,
        -- Nobody plans beyond ten years.
        case when days_to_next_order <= 3650 then days_to_next_order end
            as expected_days_to_next_order,

        case when order_probability is not null then coalesce(orders_predictor, 'purchase_model') end
            as order_predictor,
        case when order_probability is not null then coalesce(amount_predictor, 'purchase_model') end
            as amount_predictor,
        case when order_probability is not null then coalesce(churn_predictor, 'purchase_model') end
            as churn_predictor,
        orders_predictor is not null as is_evaluated

    from with_actuals

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
        cast(ceil(expected_days_to_next_order) as integer) as expected_days_to_next_order,
        order_predictor,
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
        order_predictor,
        amount_predictor,
        churn_predictor,
        is_evaluated

    from accumulated

)

select * from tiered
