{%- set score_count = rfm_map().score_count -%}
{%- set is_frozen = var('rfm_cutpoints') == 'frozen' -%}

with

features as (

    select * from {{ ref('customer_features') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

-- Whoever did not order in the window scores lowest and must not move the scale.
buyers as (

    select * from features

    where frequency > 0

),

-- More is better in all three: recency counts backwards.
measured as (

    select
        'recency' as metric,
        cast(-days_since_last_order as decimal(18, 2)) as metric_value

    from buyers

    union all

    select
        'frequency' as metric,
        cast(frequency as decimal(18, 2)) as metric_value

    from buyers

    union all

    select
        'monetary' as metric,
        monetary_amount as metric_value

    from buyers

),

counted as (

    select
        metric,
        metric_value,

        count(*) as customer_count

    from measured

    group by metric, metric_value

),

ranked as (

    select
        metric,
        metric_value,

        sum(customer_count) over (partition by metric order by metric_value asc)
        - customer_count as customers_below,
        sum(customer_count) over (partition by metric) as customers_in_all

    from counted

),

-- In whole customers, not in fractions: every engine cuts at the same place.
quantiles as (

    select
        {% for score in range(2, score_count + 1) %}
        min(
            case
                when
                    customers_below * {{ score_count }}
                    >= customers_in_all * {{ score - 1 }}
                    then metric_value
            end
        ) as cutpoint_{{ score }},
        {% endfor %}
        metric

    from ranked

    group by metric

),

grid as (

    {% for metric, score in rfm_cutpoint_keys() %}
    select
        '{{ metric }}' as metric,
        {{ score }} as score,
        cast({{ rfm_fixed_cutpoint(metric, score) }} as decimal(18, 2))
            as fixed_cutpoint

    {{ "union all" if not loop.last }}

    {% endfor %}
),

{% if is_frozen %}
frozen as (

    select
        metric,
        cast(score as integer) as score,
        cast(cutpoint as decimal(18, 2)) as cutpoint

    from {{ ref('frozen_rfm_cutpoints') }}

),

{% endif %}
joined as (

    select
        as_of.as_of_date,
        grid.metric,
        grid.score,
        cast(
            coalesce(
                grid.fixed_cutpoint,
                {% if is_frozen %}
                frozen.cutpoint
                {% else %}
                case grid.metric when 'recency' then -1 else 1 end
                * case grid.score
                    {% for score in range(2, score_count + 1) %}
                    when {{ score }} then quantiles.cutpoint_{{ score }}
                    {% endfor %}
                end
                {% endif %}
            ) as decimal(18, 2)
        ) as cutpoint,
        grid.fixed_cutpoint is not null or {{ is_frozen | lower }} as is_fixed

    from grid

    cross join as_of

    left join quantiles on grid.metric = quantiles.metric

    {% if is_frozen %}
    left join frozen on grid.metric = frozen.metric and grid.score = frozen.score
    {% endif %}

)

select * from joined
