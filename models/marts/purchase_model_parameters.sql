{%- set choice = learned_choice('purchase_model') -%}
{%- set is_fitted = choice in fitted_choices() -%}

with

learned as (

    {{ learned_rows('purchase_model', 'int_fitted_purchase_models', {
        'cutoff_date': 'date',
        'model': text_type(),
        'version': text_type(),
        'customer_count': 'bigint',
        'repeat_customer_count': 'bigint',
        'r': double_type(),
        'alpha': double_type(),
        'a': double_type(),
        'b': double_type(),
        'p': double_type(),
        'q': double_type(),
        'gamma': double_type(),
        'log_likelihood': double_type(),
        'correlation': double_type(),
        'note': text_type(),
        'quadrature_nodes': text_type(),
        'quadrature_weights': text_type(),
    }) }}

),

histories as (

    select distinct cutoff_date from {{ ref('int_purchase_histories') }}

),

{% if not is_fitted %}
as_of as (

    select * from {{ ref('int_as_of_date') }}

),

latest as (

    select max(cutoff_date) as cutoff_date from learned

),

{% endif %}
-- What is frozen serves today, and any date that it has seen nothing after.
dated as (

    select
        histories.cutoff_date,
        learned.cutoff_date as fitted_until_date,
        learned.model,
        learned.version,
        learned.customer_count,
        learned.repeat_customer_count,
        learned.r,
        learned.alpha,
        learned.a,
        learned.b,
        learned.p,
        learned.q,
        learned.gamma,
        learned.log_likelihood,
        learned.correlation,
        learned.note,
        learned.quadrature_nodes,
        learned.quadrature_weights

    from learned

    {% if is_fitted %}
    inner join histories on learned.cutoff_date = histories.cutoff_date
    {% else %}
    inner join latest on learned.cutoff_date = latest.cutoff_date

    cross join as_of

    inner join histories
        on
            learned.cutoff_date <= histories.cutoff_date
            or as_of.as_of_date = histories.cutoff_date
    {% endif %}

),

ranked as (

    select
        *,

        row_number() over (
            partition by cutoff_date, model = 'gamma_gamma'
            order by
                note is not null asc,
                -- That nobody leaves is what is left where the others cannot tell.
                model = 'nbd' asc,
                log_likelihood desc nulls last,
                model asc
        ) as preference

    from dated

    {% if is_fitted and choice != 'fitted' %}
    where model in ('{{ choice }}', 'gamma_gamma')
    {% endif %}

),

chosen as (

    select
        cutoff_date,
        fitted_until_date,
        model,
        version,
        customer_count,
        repeat_customer_count,
        r,
        alpha,
        a,
        b,
        p,
        q,
        gamma,
        log_likelihood,
        correlation,
        note is null and preference = 1 as is_used,
        note,
        quadrature_nodes,
        quadrature_weights

    from ranked

)

select * from chosen
