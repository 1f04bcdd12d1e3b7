{%- set features = cluster_features() | list -%}
{%- set numbers = range(1, 11) -%}

with

features as (

    select * from {{ ref('int_cluster_features') }}

),

centroids as (

    select * from {{ ref('cluster_centroids') }}

),

-- One wide row: nobody is joined with every centroid, and no order of a sum is left
-- to chance.
pivoted as (

    select
        {% for feature in features %}
        max(case when feature = '{{ feature }}' and is_log then 1 else 0 end)
            as {{ feature }}_log,
        {% for part in ('center', 'scale', 'low', 'high') %}
        cast(
            max(case when feature = '{{ feature }}' then {{ part }} end)
            as {{ double_type() }}
        ) as {{ feature }}_{{ part }},
        {% endfor %}
        {% for number in numbers %}
        cast(
            max(
                case
                    when feature = '{{ feature }}' and cluster = {{ number }}
                        then centroid
                end
            ) as {{ double_type() }}
        ) as {{ feature }}_{{ number }},
        {% endfor %}
        {% endfor %}
        {% for number in numbers %}
        max(case when cluster = {{ number }} then 0 end) as zero_{{ number }},
        {% endfor %}
        count(*) as centroid_count

    from centroids

),

-- An unknown value counts as the median; a value beyond the bounds as the bound.
scaled as (

    select
        {% for feature in features %}
        case
            when features.{{ feature }} is null then 0
            else
                (
                    least(
                        greatest(
                            case
                                when pivoted.{{ feature }}_log = 1
                                    then ln(1 + greatest(features.{{ feature }}, 0))
                                else features.{{ feature }}
                            end,
                            pivoted.{{ feature }}_low
                        ),
                        pivoted.{{ feature }}_high
                    ) - pivoted.{{ feature }}_center
                ) / pivoted.{{ feature }}_scale
        end as {{ feature }},
        {% endfor %}
        features.as_of_date,
        features.customer_id

    from features

    cross join pivoted

),

-- Null where there is no such cluster; a feature that was left out adds nothing.
measured as (

    select
        {% for number in numbers %}
        cast(
            sqrt(
                pivoted.zero_{{ number }}
                {% for feature in features %}
                + coalesce(
                    (scaled.{{ feature }} - pivoted.{{ feature }}_{{ number }})
                    * (scaled.{{ feature }} - pivoted.{{ feature }}_{{ number }}),
                    0
                )
                {% endfor %}
            ) as decimal(18, 9)
        ) as distance_{{ number }},
        {% endfor %}
        scaled.as_of_date,
        scaled.customer_id

    from scaled

    cross join pivoted

),

nearest as (

    select
        *,
        least(
            {% for number in numbers %}
            distance_{{ number }}{{ "," if not loop.last }}
            {% endfor %}
        ) as distance

    from measured

),

assigned as (

    select
        *,
        case distance
            {% for number in numbers %}
            when distance_{{ number }} then {{ number }}
            {% endfor %}
        end as cluster

    from nearest

),

second_nearest as (

    select
        *,
        least(
            {% for number in numbers %}
            case when cluster <> {{ number }} then distance_{{ number }} end
            {{- "," if not loop.last }}
            {% endfor %}
        ) as second_distance

    from assigned

),

compared as (

    select
        as_of_date,
        customer_id,
        cluster,
        cast(distance as decimal(18, 6)) as distance,
        case
            {% for number in numbers %}
            when
                cluster <> {{ number }}
                and distance_{{ number }} = second_distance
                then {{ number }}
            {% endfor %}
        end as second_cluster,
        cast(second_distance - distance as decimal(18, 6)) as margin

    from second_nearest

)

select * from compared
