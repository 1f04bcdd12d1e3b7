{%- set bounds = scorecard_bounds() -%}
{#- Quantiles of 97.5 %: of the normal distribution, and of Student's t, whose degrees
    of freedom are one less than the folds. -#}
{%- set alike_z = 1.96 -%}
{%- set folds = 20 -%}
{%- set fold_t = 2.093 -%}
{%- set named_pairs = 10 -%}

with

definitions as (

    select * from {{ ref('segment_definitions') }}

    where grain <> 'company'

),

outcomes as (

    select * from {{ ref('int_segment_outcomes') }}

),

associations as (

    select * from {{ ref('int_scheme_overlaps') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

defined as (

    select
        scheme,
        count(*) filter (where segment <> 'unknown') as defined_segment_count,
        max(missing_input) as missing_input

    from definitions

    group by scheme

),

-- Structure: how the customers of the as-of date are spread.
counted as (

    select
        scheme,
        segment,

        sum(case when is_present then customer_count else 0 end) as customer_count,
        sum(case when is_previous then customer_count else 0 end) as previous_count,
        sum(continuing_count) as continuing_count,
        sum(stayed_count) as stayed_count,
        sum(case when is_present then consent_known_count end) as consent_known_count,
        sum(reachable_count) as reachable_count

    from outcomes

    group by scheme, segment

),

ranked as (

    select
        *,
        sum(customer_count) over each_scheme as all_count,
        sum(previous_count) over each_scheme as all_previous_count,
        sum(case when segment <> 'unknown' then customer_count else 0 end)
            over each_scheme as known_count,
        case when segment <> 'unknown' and customer_count > 0 then customer_count end
            as known_customer_count,
        row_number() over (
            partition by scheme
            order by
                case
                    when segment <> 'unknown' and customer_count > 0 then customer_count
                end asc nulls last,
                {{ text_order('segment') }} asc
        ) as smallness_rank,
        row_number() over (
            partition by scheme
            order by
                case when segment <> 'unknown' then customer_count end desc nulls last,
                {{ text_order('segment') }} asc
        ) as largeness_rank,
        row_number() over (
            partition by scheme
            order by
                case
                    when
                        segment <> 'unknown'
                        and customer_count >= {{ bounds.least_customer_count }}
                        then
                            reachable_count
                            / cast(
                                nullif(consent_known_count, 0) as {{ double_type() }}
                            )
                end asc nulls last,
                {{ text_order('segment') }} asc
        ) as reach_rank

    from counted

    window each_scheme as (partition by scheme)

),

-- As doubles, since the engines disagree on how many places a quotient of decimals has.
shared as (

    select
        *,
        known_customer_count
        / cast(nullif(known_count, 0) as {{ double_type() }}) as known_share,
        greatest(
            customer_count / cast(nullif(all_count, 0) as {{ double_type() }}),
            {{ bounds.least_index_share }}
        ) as index_share,
        greatest(
            previous_count / cast(nullif(all_previous_count, 0) as {{ double_type() }}),
            {{ bounds.least_index_share }}
        ) as previous_index_share

    from ranked

),

structured as (

    select
        scheme,

        max(all_count) as customer_count,
        count(known_customer_count) as occupied_segment_count,
        max(all_count) - max(known_count) as unknown_count,
        max(case when smallness_rank = 1 and known_customer_count > 0 then segment end)
            as smallest_segment,
        min(known_customer_count) as smallest_customer_count,
        max(case when largeness_rank = 1 and known_customer_count > 0 then segment end)
            as largest_segment,
        max(known_customer_count) as largest_customer_count,
        -sum(known_share * ln(known_share)) as entropy,
        case
            when max(all_count) > 0 and max(all_previous_count) > 0
                then
                    sum(
                        (index_share - previous_index_share)
                        * ln(index_share / previous_index_share)
                    )
        end as stability_index,
        sum(stayed_count) as stayed_count,
        sum(continuing_count) as continuing_count,
        sum(case when segment <> 'unknown' then reachable_count end) as reachable_count,
        sum(case when segment <> 'unknown' then consent_known_count end)
            as consent_known_count,
        max(
            case
                when
                    reach_rank = 1
                    and segment <> 'unknown'
                    and consent_known_count > 0
                    and customer_count >= {{ bounds.least_customer_count }}
                    then segment
            end
        ) as least_reachable_segment,
        max(
            case
                when
                    reach_rank = 1
                    and segment <> 'unknown'
                    and customer_count >= {{ bounds.least_customer_count }}
                    then {{ share('reachable_count', 'consent_known_count') }}
            end
        ) as least_reachable_share

    from shared

    group by scheme

),

-- Explanation: what the customers of the judged slice did next.
judged as (

    select
        as_of_date,
        scheme,
        segment,
        fold,
        cast(customer_count as {{ double_type() }}) as customer_count,
        cast(next_net_amount as {{ double_type() }}) as net_amount,
        cast(next_net_amount_squared as {{ double_type() }}) as net_amount_squared,
        cast(next_active_count as {{ double_type() }}) as active_count

    from outcomes

    where is_judged

),

judged_segments as (

    select
        as_of_date,
        scheme,
        segment,

        sum(customer_count) as customer_count,
        sum(net_amount) as net_amount,
        sum(net_amount_squared) as net_amount_squared,
        sum(active_count) as active_count

    from judged

    group by as_of_date, scheme, segment

),

folds as (

    select distinct
        scheme,
        fold

    from judged

    union all

    -- Nobody is left out: the estimate itself.
    select distinct
        scheme,
        -1 as fold

    from judged

),

without_a_fold as (

    select
        judged_segments.scheme,
        folds.fold,
        judged_segments.customer_count - coalesce(judged.customer_count, 0)
            as customer_count,
        judged_segments.net_amount - coalesce(judged.net_amount, 0) as net_amount,
        judged_segments.net_amount_squared - coalesce(judged.net_amount_squared, 0)
            as net_amount_squared,
        judged_segments.active_count - coalesce(judged.active_count, 0) as active_count

    from judged_segments

    inner join folds on judged_segments.scheme = folds.scheme

    left join judged
        on
            judged_segments.scheme = judged.scheme
            and judged_segments.segment = judged.segment
            and folds.fold = judged.fold

),

sums_of_squares as (

    select
        scheme,
        fold,

        sum(net_amount * net_amount / nullif(customer_count, 0))
        - sum(net_amount) * sum(net_amount) / nullif(sum(customer_count), 0)
            as revenue_between,
        sum(net_amount_squared)
        - sum(net_amount) * sum(net_amount) / nullif(sum(customer_count), 0)
            as revenue_in_all,
        sum(active_count * active_count / nullif(customer_count, 0))
        - sum(active_count) * sum(active_count) / nullif(sum(customer_count), 0)
            as activity_between,
        sum(active_count)
        - sum(active_count) * sum(active_count) / nullif(sum(customer_count), 0)
            as activity_in_all,
        -- What rounding leaves where all customers are alike.
        sum(net_amount_squared) / 1e12 as revenue_noise,
        sum(active_count) / 1e12 as activity_noise

    from without_a_fold

    group by scheme, fold

),

explained as (

    {% for outcome in ['revenue', 'activity'] %}
    select
        scheme,
        '{{ outcome }}' as outcome,
        fold,
        case
            when {{ outcome }}_in_all > {{ outcome }}_noise
                then {{ outcome }}_between / {{ outcome }}_in_all
        end as explained_share

    from sums_of_squares

    {{ "union all" if not loop.last }}
    {% endfor %}

),

centred as (

    select
        *,
        avg(case when fold >= 0 then explained_share end)
            over (partition by scheme, outcome) as average_share

    from explained

),

-- The jackknife: how far the estimates without a fold lie apart.
estimated as (

    select
        scheme,
        outcome,

        max(case when fold = -1 then explained_share end) as explained_share,
        case
            when
                count(case when fold >= 0 then explained_share end)
                = {{ folds }}
                then
                    {{ fold_t }} * sqrt(
                        sum(
                            case
                                when fold >= 0
                                    then
                                        (explained_share - average_share)
                                        * (explained_share - average_share)
                            end
                        ) * {{ folds - 1 }} / {{ folds }}
                    )
        end as margin

    from centred

    group by scheme, outcome

),

judged_in_all as (

    select
        scheme,

        max(as_of_date) as judged_date,
        sum(customer_count) as judged_customer_count,
        (count(*) - 1) / nullif(sum(customer_count) - 1, 0) as chance_share

    from judged_segments

    group by scheme

),

-- Distinctness: Welch's t for revenue, a two-proportion z for activity.
comparable as (

    select
        judged_segments.scheme,
        judged_segments.segment,
        definitions.position,
        judged_segments.customer_count,
        judged_segments.active_count,
        judged_segments.net_amount / judged_segments.customer_count as mean_amount,
        greatest(
            judged_segments.net_amount_squared
            - judged_segments.net_amount * judged_segments.net_amount
            / judged_segments.customer_count,
            0
        ) / (judged_segments.customer_count - 1)
        / judged_segments.customer_count as squared_error,
        judged_segments.active_count / judged_segments.customer_count as active_share

    from judged_segments

    inner join definitions
        on
            judged_segments.scheme = definitions.scheme
            and judged_segments.segment = definitions.segment

    where
        judged_segments.segment <> 'unknown'
        and judged_segments.customer_count >= {{ bounds.least_customer_count }}

),

paired as (

    select
        comparable.scheme,
        comparable.segment,
        other_segments.segment as other_segment,
        comparable.position,
        other_segments.position as other_position,
        comparable.mean_amount - other_segments.mean_amount
            as amount_difference,
        comparable.squared_error + other_segments.squared_error
            as amount_squared_error,
        comparable.active_share - other_segments.active_share
            as active_difference,
        (comparable.active_count + other_segments.active_count)
        / (comparable.customer_count + other_segments.customer_count) as active_share,
        1 / comparable.customer_count + 1 / other_segments.customer_count
            as active_factor

    from comparable

    inner join comparable as other_segments
        on
            comparable.scheme = other_segments.scheme
            and comparable.position < other_segments.position

),

-- Squares, so that nothing is divided by an error of 0.
tested as (

    select
        scheme,
        segment || ' ~ ' || other_segment as pair,
        position,
        other_position,
        amount_difference * amount_difference
        <= {{ (alike_z ** 2) | round(4) }} * amount_squared_error
        and active_difference * active_difference
        <= {{ (alike_z ** 2) | round(4) }}
        * active_share * (1 - active_share) * active_factor
            as is_alike

    from paired

),

numbered as (

    select
        *,
        row_number() over (
            partition by scheme, is_alike
            order by position asc, other_position asc
        ) as pair_number

    from tested

),

distinguished as (

    select
        scheme,

        count(*) as compared_pair_count,
        count(*) filter (where is_alike) as alike_pair_count,
        nullif(
            concat_ws(
                ', ',
                {% for number in range(1, named_pairs + 1) %}
                max(case when is_alike and pair_number = {{ number }} then pair end),
                {% endfor %}
                case
                    when
                        count(*) filter (where is_alike) > {{ named_pairs }}
                        then 'and more'
                end
            ),
            ''
        ) as merge_candidates

    from numbered

    group by scheme

),

-- The scheme that tells most alike.
ordered as (

    select
        *,
        row_number() over (
            partition by scheme
            order by cramers_v desc, {{ text_order('other_scheme') }} asc
        ) as overlap_rank

    from associations

),

dated as (

    select
        as_of.as_of_date,
        max(case when outcomes.is_previous then outcomes.as_of_date end)
            as previous_date

    from as_of

    left join outcomes on as_of.as_of_date >= outcomes.as_of_date

    group by as_of.as_of_date

),

measured as (

    select
        dated.as_of_date,
        defined.scheme,
        defined.missing_input,
        cast(coalesce(structured.customer_count, 0) as bigint) as customer_count,
        cast(defined.defined_segment_count as bigint) as defined_segment_count,
        cast(coalesce(structured.occupied_segment_count, 0) as bigint)
            as occupied_segment_count,
        structured.smallest_segment,
        cast(structured.smallest_customer_count as bigint) as smallest_customer_count,
        {{ share('structured.smallest_customer_count', 'structured.customer_count') }}
            as smallest_share,
        structured.largest_segment,
        {{ share('structured.largest_customer_count', 'structured.customer_count') }}
            as largest_share,
        cast(
            structured.entropy
            / ln(
                cast(
                    case
                        when defined.defined_segment_count > 1
                            then defined.defined_segment_count
                    end as {{ double_type() }}
                )
            ) as decimal(9, 6)
        ) as balance,
        {{ share('structured.unknown_count', 'structured.customer_count') }}
            as unknown_share,
        case when structured.stability_index is not null then dated.previous_date end
            as previous_date,
        {{ share('structured.stayed_count', 'structured.continuing_count') }}
            as stayed_share,
        cast(structured.stability_index as decimal(9, 6)) as stability_index,
        ordered.other_scheme as overlap_scheme,
        ordered.cramers_v,
        {{ share('structured.reachable_count', 'structured.consent_known_count') }}
            as reachable_share,
        structured.least_reachable_segment,
        structured.least_reachable_share,
        judged_in_all.judged_date,
        cast(judged_in_all.judged_customer_count as bigint) as judged_customer_count,
        cast(judged_in_all.chance_share as decimal(9, 6)) as chance_share,
        {% for outcome in ['revenue', 'activity'] %}
        cast({{ outcome }}.explained_share as decimal(9, 6))
            as {{ outcome }}_explained_share,
        -- Null stays null: greatest() and least() would give the bound.
        case
            when {{ outcome }}.margin is not null
                then
                    cast(
                        greatest(
                            {{ outcome }}.explained_share - {{ outcome }}.margin, 0
                        ) as decimal(9, 6)
                    )
        end as {{ outcome }}_explained_lower,
        case
            when {{ outcome }}.margin is not null
                then
                    cast(
                        least(
                            {{ outcome }}.explained_share + {{ outcome }}.margin, 1
                        ) as decimal(9, 6)
                    )
        end as {{ outcome }}_explained_upper,
        {% endfor %}
        cast(distinguished.compared_pair_count as bigint) as compared_pair_count,
        cast(distinguished.alike_pair_count as bigint) as alike_pair_count,
        distinguished.merge_candidates

    from defined

    cross join dated

    left join structured on defined.scheme = structured.scheme

    left join ordered on defined.scheme = ordered.scheme and ordered.overlap_rank = 1

    left join judged_in_all on defined.scheme = judged_in_all.scheme

    left join estimated as revenue
        on defined.scheme = revenue.scheme and revenue.outcome = 'revenue'

    left join estimated as activity
        on defined.scheme = activity.scheme and activity.outcome = 'activity'

    left join distinguished on defined.scheme = distinguished.scheme

)

select * from measured
