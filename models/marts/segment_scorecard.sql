{%- set bounds = scorecard_bounds() -%}
{%- set days = var('prediction_days') | int -%}

with

statistics as (

    select * from {{ ref('int_scheme_statistics') }}

),

-- Explanatory is what explains more than chance would, by the whole interval.
tested as (

    select
        *,
        coalesce(revenue_explained_lower > chance_share, false) as explains_revenue,
        coalesce(activity_explained_lower > chance_share, false) as explains_activity,
        greatest(revenue_explained_share, activity_explained_share) as explained_share,
        coalesce(revenue_explained_lower, activity_explained_lower) is not null
            as is_judged,
        customer_count > 0 and unknown_share < 1 as has_data

    from statistics

),

placed as (

    select
        *,
        cast(
            case
                when is_judged and has_data
                    then
                        rank() over (
                            partition by is_judged and has_data
                            order by explained_share desc nulls last
                        )
            end as integer
        ) as explanation_rank

    from tested

),

compared as (

    select
        placed.*,
        placed.cramers_v >= {{ bounds.same_overlap }}
        and (other_schemes.explains_revenue or other_schemes.explains_activity)
        and (
            placed.explanation_rank > other_schemes.explanation_rank
            -- Of two that say the same, one is enough.
            or (
                placed.explanation_rank = other_schemes.explanation_rank
                and {{ text_order('placed.scheme') }}
                > {{ text_order('other_schemes.scheme') }}
            )
        ) as is_superseded,
        -- All that there are were compared, and none differs.
        placed.alike_pair_count = placed.compared_pair_count
        and placed.compared_pair_count * 2
        >= placed.occupied_segment_count * (placed.occupied_segment_count - 1)
            as is_indistinct,
        placed.unknown_share > {{ bounds.most_unknown_share }} as is_mostly_unknown,
        placed.stability_index > {{ bounds.most_stability_index }} as has_changed,
        placed.stayed_share < {{ bounds.least_stayed_share }} as is_restless,
        placed.alike_pair_count
        > {{ bounds.most_alike_share }} * placed.compared_pair_count
            as has_too_many_segments

    from placed

    left join placed as other_schemes on placed.overlap_scheme = other_schemes.scheme

),

-- Phrases that several verdicts share.
phrased as (

    select
        *,
        smallest_segment
        || ' has '
        || cast(smallest_customer_count as {{ text_type() }})
        || case when smallest_customer_count = 1 then ' customer' else ' customers' end
        || ' ('
        || {{ percent_text('smallest_share') }}
        || ')' as smallest_phrase,
        {{ percent_text('largest_share') }} || ' are in ' || largest_segment
            as largest_phrase,
        {{ percent_text('unknown_share') }} || ' of the customers' as unknown_phrase,
        coalesce(
            {{ percent_text('stayed_share') }}
            || ' stayed since '
            || cast(previous_date as {{ text_type() }}),
            'nobody was there on ' || cast(previous_date as {{ text_type() }})
        )
        || ' (index '
        || cast(cast(stability_index as decimal(9, 3)) as {{ text_type() }})
        || ')' as stability_phrase,
        overlap_scheme
        || ' (V '
        || cast(cast(cramers_v as decimal(9, 3)) as {{ text_type() }})
        || ')' as overlap_phrase,
        concat_ws(
            ' and ',
            {% for outcome in ['revenue', 'activity'] %}
            {{ percent_text(outcome ~ '_explained_share') }}
            || ' of {{ outcome }} ('
            || {{ percent_text(outcome ~ '_explained_lower', unit='') }}
            || ' to '
            || {{ percent_text(outcome ~ '_explained_upper') }}
            || '){{ "'" if loop.last else "'," }}
            {% endfor %}
        ) as explained_phrase,
        cast(compared_pair_count - alike_pair_count as {{ text_type() }})
        || ' of '
        || cast(compared_pair_count as {{ text_type() }})
        || ' pairs' as pairs_phrase,
        coalesce('it lacks ' || missing_input, 'everybody is unknown')
            as no_data_phrase,
        case
            when judged_date is null
                then
                    'no segments from {{ days }} days before; build the past with '
                    || 'scripts/backfill.py'
            else
                'too few customers, or nobody ordered, in the {{ days }} days after '
                || cast(judged_date as {{ text_type() }})
        end as not_judged_phrase

    from compared

),

weighed as (

    select
        *,
        nullif(
            concat_ws(
                ', ',
                'alike in what follows are ' || merge_candidates,
                case
                    when cramers_v >= {{ bounds.high_overlap }}
                        then 'it overlaps with ' || overlap_phrase
                end,
                case
                    when unknown_share > {{ bounds.high_unknown_share }}
                        then unknown_phrase || ' are unknown'
                end,
                case
                    when has_changed or is_restless then stability_phrase
                end,
                case
                    when smallest_customer_count < {{ bounds.least_customer_count }}
                        then smallest_phrase
                end,
                case
                    when balance < {{ bounds.least_balance }} then largest_phrase
                end
            ),
            ''
        ) as weak_points

    from phrased

),

worded as (

    select
        *,
        case
            when not has_data then 'no data'
            when smallest_customer_count < {{ bounds.least_customer_count }}
                then 'too small: ' || smallest_phrase
            when smallest_share < {{ bounds.least_customer_share }}
                then 'small: ' || smallest_phrase
            else 'large enough: the smallest, ' || smallest_phrase
        end as size_verdict,
        case
            when not has_data then 'no data'
            when occupied_segment_count = 1 then 'one segment: ' || largest_phrase
            when balance < {{ bounds.least_balance }}
                then 'lopsided: ' || largest_phrase
            else 'balanced: ' || largest_phrase
        end as balance_verdict,
        case
            when not has_data then 'no data: ' || no_data_phrase
            when is_mostly_unknown then 'mostly unknown: ' || unknown_phrase
            when unknown_share > {{ bounds.high_unknown_share }}
                then 'gaps: ' || unknown_phrase || ' are unknown'
            when unknown_share > 0
                then 'covering: ' || unknown_phrase || ' are unknown'
            else 'covering: nobody is unknown'
        end as coverage_verdict,
        case
            when not has_data then 'no data'
            when previous_date is null
                then 'not compared yet: no segments from an earlier date'
            when has_changed then 'changed: ' || stability_phrase
            when is_restless then 'restless: ' || stability_phrase
            when stability_index > {{ bounds.high_stability_index }}
                then 'shifting: ' || stability_phrase
            else 'stable: ' || stability_phrase
        end as stability_verdict,
        case
            when not has_data then 'no data'
            when overlap_scheme is null then 'not comparable'
            when cramers_v >= {{ bounds.same_overlap }}
                then 'says the same as ' || overlap_phrase
            when cramers_v >= {{ bounds.high_overlap }}
                then 'overlaps with ' || overlap_phrase
            else 'says something of its own: nearest is ' || overlap_phrase
        end as overlap_verdict,
        case
            when not has_data then 'no data'
            when reachable_share is null then 'no consents'
            when reachable_share < {{ bounds.least_reachable_share }}
                then 'hardly reachable: '
            when least_reachable_share < {{ bounds.least_reachable_share }}
                then 'partly reachable: '
            else 'reachable: '
        end
        || case
            when has_data and reachable_share is not null
                then
                    {{ percent_text('reachable_share') }}
                    || ' consent'
                    || coalesce(
                        ', fewest in '
                        || least_reachable_segment
                        || ' ('
                        || {{ percent_text('least_reachable_share') }}
                        || ')',
                        ''
                    )
            else ''
        end as reach_verdict,
        case
            when not has_data then 'no data'
            when not is_judged then 'not judged yet: ' || not_judged_phrase
            when not explains_revenue and not explains_activity
                then 'explains nothing beyond chance: ' || explained_phrase
            when explained_share >= {{ bounds.large_explained_share }}
                then 'explains much: ' || explained_phrase
            when explained_share >= {{ bounds.medium_explained_share }}
                then 'explains some: ' || explained_phrase
            else 'explains little: ' || explained_phrase
        end as explanation_verdict,
        case
            when not has_data then 'no data'
            when not is_judged then 'not judged yet'
            when compared_pair_count is null
                then
                    'not comparable: no two segments of '
                    || '{{ bounds.least_customer_count }} customers'
            when alike_pair_count = 0 then 'distinct: ' || pairs_phrase || ' differ'
            when alike_pair_count = compared_pair_count
                then 'not distinct: ' || pairs_phrase || ' differ'
            else 'partly distinct: ' || pairs_phrase || ' differ'
        end as distinctness_verdict,
        case
            when not has_data then 'no data'
            when not is_judged then 'not judged yet'
            when has_too_many_segments then 'too many, to merge: ' || merge_candidates
            when merge_candidates is not null
                then 'not too many; alike are ' || merge_candidates
            else 'not too many'
        end as segmentation_verdict,
        case
            when not has_data then 'no data'
            when occupied_segment_count = 1 and unknown_share = 0 then 'drop'
            when not is_judged then 'not judged yet'
            when is_mostly_unknown then 'review'
            when not explains_revenue and not explains_activity then 'drop'
            when is_superseded or is_indistinct then 'drop'
            when explained_share < {{ bounds.small_explained_share }} then 'review'
            when has_too_many_segments then 'merge'
            else 'keep'
        end as verdict,
        case
            when not has_data then 'There is nothing to judge: ' || no_data_phrase
            when occupied_segment_count = 1 and unknown_share = 0
                then 'It tells nobody apart: ' || largest_phrase
            when not is_judged then 'There are ' || not_judged_phrase
            when is_mostly_unknown
                then
                    'It says nothing of '
                    || unknown_phrase
                    || '; what it says explains '
                    || explained_phrase
            when not explains_revenue and not explains_activity
                then
                    'It explains no more than chance might, of which '
                    || {{ percent_text('chance_share') }}
                    || ' are to be expected: '
                    || explained_phrase
            when is_superseded
                then
                    'It says the same as '
                    || overlap_phrase
                    || ', which explains as much or more'
            when is_indistinct
                then
                    'No two of its segments differ in what follows: '
                    || merge_candidates
            when explained_share < {{ bounds.small_explained_share }}
                then
                    'More than chance, but hardly worth a scheme: it explains '
                    || explained_phrase
            when has_too_many_segments
                then
                    'It explains '
                    || explained_phrase
                    || ', with fewer segments too: alike in what follows are '
                    || merge_candidates
            else
                'It explains '
                || explained_phrase
                || coalesce('; but ' || weak_points, '')
        end || '.' as verdict_reason

    from weighed

),

published as (

    select
        as_of_date,
        scheme,
        verdict,
        verdict_reason,
        explanation_rank,
        explanation_verdict,
        distinctness_verdict,
        segmentation_verdict,
        overlap_verdict,
        coverage_verdict,
        stability_verdict,
        size_verdict,
        balance_verdict,
        reach_verdict,
        judged_date,
        judged_customer_count,
        revenue_explained_share,
        revenue_explained_lower,
        revenue_explained_upper,
        activity_explained_share,
        activity_explained_lower,
        activity_explained_upper,
        chance_share,
        compared_pair_count,
        alike_pair_count,
        merge_candidates,
        overlap_scheme,
        cramers_v,
        unknown_share,
        previous_date,
        stayed_share,
        stability_index,
        customer_count,
        defined_segment_count,
        occupied_segment_count,
        smallest_segment,
        smallest_customer_count,
        smallest_share,
        largest_segment,
        largest_share,
        balance,
        reachable_share,
        least_reachable_segment,
        least_reachable_share

    from worded

)

select * from published
