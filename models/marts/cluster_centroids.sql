with

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

learned as (

    {{ learned_rows('cluster_centroids', 'int_fitted_centroids', {
        'as_of_date': 'date',
        'version': text_type(),
        'fitted_customer_count': 'bigint',
        'cluster': 'integer',
        'feature': text_type(),
        'is_log': 'boolean',
        'center': 'decimal(28, 9)',
        'scale': 'decimal(28, 9)',
        'low': 'decimal(28, 9)',
        'high': 'decimal(28, 9)',
        'centroid': 'decimal(18, 9)',
        'cluster_count': 'integer',
        'gap': 'decimal(18, 6)',
        'silhouette': 'decimal(18, 6)',
        'note': text_type(),
        'name': text_type(),
    }) }}

),

dated as (

    select
        as_of.as_of_date,
        learned.as_of_date as fitted_date,
        learned.version,
        learned.fitted_customer_count,
        learned.cluster,
        learned.feature,
        learned.is_log,
        learned.center,
        learned.scale,
        learned.low,
        learned.high,
        learned.centroid,
        learned.cluster_count,
        learned.gap,
        learned.silhouette,
        learned.note,
        learned.name

    from learned

    cross join as_of

    {% if learned_choice('cluster_centroids') == 'fitted' %}
    where learned.as_of_date = as_of.as_of_date
    {% endif %}

)

select * from dated
