with

centroids as (

    select * from {{ ref('cluster_centroids') }}

),

clusters as (

    select * from {{ ref('customer_clusters') }}

),

features as (

    select * from {{ ref('customer_features') }}

),

counted as (

    select
        clusters.cluster,

        count(*) as customer_count,
        sum(features.net_amount) as net_amount

    from clusters

    inner join features on clusters.customer_id = features.customer_id

    group by clusters.cluster

),

sized as (

    select
        centroids.*,
        coalesce(counted.net_amount, 0) as net_amount,
        coalesce(counted.customer_count, 0) as customer_count

    from centroids

    left join counted on centroids.cluster = counted.cluster

),

averaged as (

    select
        *,
        cast(
            sum(customer_count) over (partition by feature) as bigint
        ) as customers_in_all,
        cast(
            sum(centroid * cast(customer_count as decimal(18, 0)))
                over (partition by feature)
            as {{ double_type() }}
        ) as centroid_sum

    from sized

),

-- In scales of the feature, above or below all customers.
compared as (

    select
        *,
        cast(
            centroid - centroid_sum
            / cast(nullif(customers_in_all, 0) as {{ double_type() }})
            as decimal(18, 6)
        ) as above_average

    from averaged

),

ranked as (

    select
        *,
        row_number() over (
            partition by cluster
            order by
                abs(above_average) desc nulls last,
                {{ text_order('feature') }} asc nulls last
        ) as feature_rank

    from compared

),

worded as (

    select
        *,
        case
            when abs(above_average) <= 0.3 then null
            {% for side, sign in {'high': '>', 'low': '<'}.items() %}
            when above_average {{ sign }} 0
                then
                    case feature
                        {% for feature, words in cluster_features().items() %}
                        when '{{ feature }}' then '{{ words[side] }}'
                        {% endfor %}
                    end
            {% endfor %}
        end as words

    from ranked

),

described as (

    select
        as_of_date,
        cluster,
        max(name) as name,
        max(customer_count) as customer_count,
        {{ share('max(customer_count)', 'max(customers_in_all)') }} as customer_share,
        cast(max(net_amount) as decimal(18, 2)) as net_amount,
        coalesce(max(case when feature_rank = 1 then words end), 'like all customers')
        || coalesce(', ' || max(case when feature_rank = 2 then words end), '')
        || coalesce(', ' || max(case when feature_rank = 3 then words end), '')
            as description,
        max(silhouette) as silhouette,
        max(note) as note

    from worded

    group by as_of_date, cluster

)

select * from described
