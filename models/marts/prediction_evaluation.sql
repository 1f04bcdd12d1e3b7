{#- Sums are exact; engines cut the quotients of decimals, so those are doubles. -#}
{%- set days = var('prediction_days') | int -%}
{%- set double = double_type() -%}

with

predictions as (

    select * from {{ ref('int_customer_predictions') }}

),

parameters as (

    select distinct cutoff_date from {{ ref('purchase_model_parameters') }}

    where is_used

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

-- A date that no parameters were fitted for cannot be judged.
held_out as (

    select
        predictions.*,
        cast(
            predictions.order_count_{{ days }}d * predictions.order_amount
            as decimal(28, 8)
        ) as predicted_amount,
        greatest(predictions.net_amount, 0) as spent_amount

    from predictions

    cross join as_of

    inner join parameters on predictions.cutoff_date = parameters.cutoff_date

    where
        predictions.cutoff_date < as_of.as_of_date
        and predictions.order_probability is not null

),

known_orders as (

    select * from {{ ref('int_known_orders') }}

),

cutoff as (

    select distinct cutoff_date from held_out

),

followed as (

    select
        known_orders.customer_id,
        count(
            distinct case when known_orders.is_order then known_orders.business_date end
        ) as order_count,
        sum(known_orders.order_amount - known_orders.refunded_amount) as net_amount

    from known_orders

    inner join cutoff on known_orders.business_date > cutoff.cutoff_date

    group by known_orders.customer_id

),

-- What is known before: as often, as recently and as much as so far, or all alike.
compared as (

    select
        held_out.cutoff_date,
        held_out.customer_id,
        held_out.order_count_{{ days }}d as predicted_orders,
        held_out.predicted_amount,
        1 - held_out.order_probability as predicted_churn,
        held_out.repeat_count,
        held_out.age_days - held_out.last_repeat_age_days as days_since_last_order,
        held_out.net_amount,
        coalesce(followed.order_count, 0) as actual_orders,
        greatest(followed.net_amount, 0) as actual_amount,
        case when followed.order_count > 0 then 0 else 1 end as actual_churn,
        {{ days }}e0 * sum(held_out.repeat_count) over ()
        / nullif(sum(held_out.age_days) over (), 0) as mean_orders,
        {{ days }}e0 * sum(greatest(held_out.repeat_amount, 0)) over ()
        / nullif(sum(held_out.age_days) over (), 0) as mean_amount,
        {{ scaled_to(
            'held_out.order_count_' ~ days ~ 'd', 'held_out.repeat_count'
        ) }}
            as naive_orders,
        {{ scaled_to('held_out.predicted_amount', 'held_out.spent_amount') }}
            as naive_amount

    from held_out

    left join followed on held_out.customer_id = followed.customer_id

),

predictors (predictor) as (

    values
    ('purchase_model'), ('blend'), ('frequency'), ('recency'), ('spend_to_date'),
    ('mean'), ('truth')

),

-- Higher means more of what is predicted; `predicted` is in its units.
judged as (

    {% for score, naive, mean, sign in [
        ('orders', 'naive_orders', 'mean_orders', ''),
        ('amount', 'naive_amount', 'mean_amount', ''),
        ('churn', 'exp(greatest(-600, -naive_orders))', 'exp(-mean_orders)', '-'),
    ] %}
    {%- set actual = 'actual_' ~ score %}
    {%- set model = 'predicted_' ~ score %}
    {%- set blend = '(' ~ model ~ ' + ' ~ naive ~ ') / 2' %}
    select
        compared.cutoff_date,
        '{{ score }}' as score,
        predictors.predictor,
        case predictors.predictor
            {% for predictor, value in [
                ('purchase_model', model),
                ('blend', blend),
                ('frequency', sign ~ 'repeat_count'),
                ('recency', ('' if sign else '-') ~ 'days_since_last_order'),
                ('spend_to_date', sign ~ 'net_amount'),
                ('mean', '0'),
                ('truth', actual),
            ] %}
            when '{{ predictor }}' then cast({{ value }} as decimal(28, 8))
            {% endfor %}
        end as predictor_value,
        case predictors.predictor
            {% for predictor, value in [
                ('purchase_model', model), ('blend', blend), ('mean', mean), ('truth', actual)
            ] %}
            when '{{ predictor }}' then cast({{ value }} as decimal(28, 8))
            {% endfor %}
        end as predicted,
        cast({{ actual }} as decimal(28, 8)) as actual

    from compared

    cross join predictors

    {{ "union all" if not loop.last }}
    {% endfor %}

),

-- Equal values are one step: which of them comes first is chance.
steps as (

    select
        cutoff_date,
        score,
        predictor,
        predictor_value,

        count(*) as customers,
        sum(actual) as actual,
        sum(predicted) as predicted,
        sum(abs(predicted - actual)) as absolute_error

    from judged

    group by cutoff_date, score, predictor, predictor_value

),

cumulated as (

    select
        *,

        sum(customers) over downwards as customers_to_here,
        sum(actual) over downwards as actual_to_here,
        sum(customers) over whole as all_customers,
        sum(actual) over whole as actual_in_all

    from steps

    window
        downwards as (
            partition by cutoff_date, score, predictor
            order by predictor_value desc
        ),
        whole as (partition by cutoff_date, score, predictor)

),

placed as (

    select
        *,
        cast(
            1 + floor(10 * (customers_to_here - customers / 2.0e0) / all_customers)
            as integer
        ) as decile

    from cumulated

),

totals as (

    select
        cutoff_date,
        score,
        predictor,

        sum(customers) as customers,
        sum(predicted) as predicted,
        sum(actual) as actual,
        cast(sum(absolute_error) as {{ double }})
        / sum(customers) as mean_absolute_error,
        sum(
            case
                when customers_to_here * 10 <= all_customers
                    then cast(actual as {{ double }})
                when (customers_to_here - customers) * 10 < all_customers
                    then
                        cast(actual as {{ double }}) * (
                            all_customers / 10.0e0 - customers_to_here + customers
                        ) / customers
                else 0
            end
        ) / nullif(sum(actual), 0) as top_decile_share,
        cast(sum((2 * actual_to_here - actual) * customers) as {{ double }})
        / nullif(cast(max(actual_in_all) as {{ double }}) * max(all_customers), 0)
        - 1 as concentration

    from placed

    group by cutoff_date, score, predictor

),

measured as (

    select
        totals.*,
        totals.concentration / nullif(truth.concentration, 0) as gini

    from totals

    inner join totals as truth
        on
            totals.cutoff_date = truth.cutoff_date
            and totals.score = truth.score
            and truth.predictor = 'truth'

    where totals.predictor <> 'truth'

),

compared_ginis as (

    select
        *,

        max(case when predictor = 'purchase_model' then gini end) over each_score
            as model_gini,
        max(case when predictor not in ('purchase_model', 'blend') then gini end)
            over each_score
            as baseline_gini

    from measured

    window each_score as (partition by cutoff_date, score)

),

deciles as (

    select
        cutoff_date,
        score,
        predictor,
        decile,

        min(predictor_value) as lower_bound,
        sum(customers) as customers,
        sum(predicted) as predicted,
        sum(actual) as actual

    from placed

    where predictor not in ('truth', 'mean')

    group by cutoff_date, score, predictor, decile

),

metrics as (

    {% for metric, value in {
        'gini': 'gini',
        'auc': "case when score = 'churn' then (gini + 1) / 2 end",
        'top_decile_share': 'top_decile_share',
        'top_decile_lift': '10 * top_decile_share',
        'mean_absolute_error': 'mean_absolute_error',
        'total_predicted': 'predicted',
        'total_actual': 'actual',
        'total_bias': 'cast(predicted as ' ~ double ~ ') / nullif(actual, 0) - 1',
    }.items() %}
    select
        cutoff_date,
        score,
        predictor,
        '{{ metric }}' as metric,
        cast(null as integer) as decile,
        {{ value }} as metric_value

    from measured

    union all

    {% endfor %}
    {% for metric, value in {
        'decile_lower_bound': 'lower_bound',
        'decile_customers': 'customers',
        'decile_predicted': 'cast(predicted as ' ~ double ~ ') / customers',
        'decile_actual': 'cast(actual as ' ~ double ~ ') / customers',
    }.items() %}
    select
        cutoff_date,
        score,
        predictor,
        '{{ metric }}' as metric,
        decile,
        {{ value }} as metric_value

    from deciles

    {{ "union all" if not loop.last }}
    {% endfor %}

),

verdicts as (

    select distinct
        cutoff_date,
        score,
        coalesce(model_gini > baseline_gini, false) as is_better_than_baseline,
        -- A tie goes to the simpler one; where all or nobody left, nothing is known.
        case
            when coalesce(model_gini, baseline_gini) is null then 'purchase_model'
            else first_value(predictor) over (
                    partition by cutoff_date, score
                    order by
                        gini desc nulls last,
                        case predictor
                            when 'blend' then 2
                            when 'purchase_model' then 1
                            else 0
                        end asc,
                        predictor asc
                )
        end as best_predictor

    from compared_ginis

),

published as (

    select
        metrics.cutoff_date,
        as_of.as_of_date as judged_until_date,
        metrics.score,
        metrics.predictor,
        metrics.metric,
        metrics.decile,
        cast(metrics.metric_value as decimal(18, 6)) as metric_value,
        verdicts.is_better_than_baseline,
        verdicts.best_predictor

    from metrics

    inner join verdicts
        on
            metrics.cutoff_date = verdicts.cutoff_date
            and metrics.score = verdicts.score

    cross join as_of

    where metrics.metric_value is not null

)

select * from published
