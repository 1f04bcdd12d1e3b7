{% macro check_configuration() %}
    {%- if execute -%}
        {%- set scores = ['r_score', 'f_score', 'm_score', 'rfm_cell'] -%}
        {%- set features = (graph.nodes['model.customer_segmentation.customer_features'].columns | list)
            + scores + ['revenue_share_above', 'as_of_month', 'as_of_weekday', 'rfm'] + (schemes() | list) -%}
        {%- set errors = raw_errors() + var_errors() + rfm_map_errors(rfm_map()) + scheme_errors('rfm', rfm_map(), scores) -%}
        {%- for name, scheme in schemes().items() -%}
            {%- do errors.extend(scheme_errors(name, scheme, features)) -%}
        {%- endfor -%}
        {%- if errors -%}
            {{ exceptions.raise_compiler_error("\n- " ~ (errors | join("\n- "))) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{% macro scheme_errors(scheme_name, scheme, features) %}
    {%- set errors = [] -%}
    {%- set known_keys = ['name', 'description', 'action', 'owner', 'when', 'better'] -%}
    {%- set segments = scheme.get('segments') or [] if scheme is mapping else [] -%}
    {%- set names = segments | map(attribute='name') | list -%}
    {%- if not modules.re.fullmatch('[a-z][a-z0-9_]*', scheme_name) -%}
        {%- do errors.append("Scheme '" ~ scheme_name ~ "': a name has lower-case letters, digits and underscores.") -%}
    {%- endif -%}
    {%- if not segments or segments[-1].get('when') -%}
        {%- do errors.append(
            "Scheme '" ~ scheme_name ~ "': the last segment must have no conditions, so that nobody is left out."
        ) -%}
    {%- endif -%}
    {%- for segment in segments -%}
        {%- set place = rule_place(scheme_name, segment) -%}
        {%- if not modules.re.fullmatch('[A-Za-z][A-Za-z0-9_]*', segment.get('name') | default('', true) | string) -%}
            {%- do errors.append(place ~ ": a name has letters, digits and underscores.") -%}
        {%- elif names.count(segment.name) > 1 and names.index(segment.name) == loop.index0 -%}
            {%- do errors.append(place ~ " is defined twice. Segments: " ~ (names | join(', ')) ~ ".") -%}
        {%- endif -%}
        {%- if not loop.last and not segment.get('when') -%}
            {%- do errors.append(place ~ " has no conditions, so no later segment can be reached.") -%}
        {%- endif -%}
        {%- for key in segment if key not in known_keys -%}
            {%- do errors.append(place ~ ": unknown key '" ~ key ~ "'. Keys: " ~ (known_keys | join(', ')) ~ ".") -%}
        {%- endfor -%}
        {%- for condition in rule_conditions(parse_rule(segment.get('when') or {}, place, errors)) -%}
            {%- if condition.feature not in features -%}
                {%- do errors.append(
                    place ~ ": unknown feature '" ~ condition.feature ~ "'. " ~ nearest(condition.feature, features)
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(errors) }}
{% endmacro %}

{% macro rfm_map_errors(map) %}
    {#- Every cell of the three scores must hold exactly one segment. -#}
    {%- set gaps, overlaps, conditions = [], [], {} -%}
    {%- for segment in map.segments -%}
        {%- for feature, condition in (segment.get('when') or {}).items() -%}
            {%- do conditions.setdefault(segment.name, []).append(
                [feature, parse_condition(feature, condition, rule_place('rfm', segment))]
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for cell_number in range(map.score_count ** 3) -%}
        {%- set r = cell_number // map.score_count ** 2 + 1 -%}
        {%- set f = cell_number // map.score_count % map.score_count + 1 -%}
        {%- set m = cell_number % map.score_count + 1 -%}
        {%- set cell = {'r_score': r, 'f_score': f, 'm_score': m, 'rfm_cell': 100 * r + 10 * f + m} -%}
        {%- set matching = [] -%}
        {%- for name, parts in conditions.items() -%}
            {%- set failing = [] -%}
            {%- for feature, parsed in parts if not condition_holds(cell.get(feature), parsed) -%}
                {%- do failing.append(feature) -%}
            {%- endfor -%}
            {%- do matching.append(name) if not failing -%}
        {%- endfor -%}
        {%- do gaps.append(cell.rfm_cell) if not matching -%}
        {%- do overlaps.append(cell.rfm_cell ~ " (" ~ (matching | join(', ')) ~ ")") if matching | length > 1 -%}
    {%- endfor -%}
    {%- set errors = [] -%}
    {%- for metric, values in rfm_fixed_cutpoints().items() -%}
        {%- set ascending = values | sort(reverse=metric == 'recency') -%}
        {%- if metric not in ('recency', 'frequency', 'monetary')
            or values | select('number') | list | length != map.score_count - 1 or values != ascending -%}
            {%- do errors.append("The cut points of '" ~ metric ~ "' are " ~ values ~ "; recency, frequency or monetary"
                ~ " takes " ~ (map.score_count - 1) ~ " numbers, from the one for score 2 on (recency falling, the"
                ~ " others rising).") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if gaps -%}
        {%- do errors.append("The RFM map leaves " ~ gaps | length ~ " of " ~ map.score_count ** 3
            ~ " cells without a segment: " ~ (gaps | join(', ')) ~ ".") -%}
    {%- endif -%}
    {%- if overlaps -%}
        {%- do errors.append("The RFM map puts " ~ overlaps | length ~ " of " ~ map.score_count ** 3
            ~ " cells into several segments: " ~ (overlaps | join(', ')) ~ ".") -%}
    {%- endif -%}
    {{ return(errors) }}
{% endmacro %}

{% macro condition_holds(value, parsed) %}
    {%- set numbers = parsed['values'] | map('float') | list -%}
    {%- if value is none or parsed.operator in ('is null', 'is not null') -%}
        {{ return(value is not none and parsed.operator == 'is not null') }}
    {%- elif parsed.operator == 'between' -%}
        {{ return(numbers[0] <= value <= numbers[1]) }}
    {%- elif parsed.operator == 'in' -%}
        {{ return(value in numbers) }}
    {%- endif -%}
    {{ return({
        '=': value == numbers[0], '!=': value != numbers[0], '<': value < numbers[0],
        '<=': value <= numbers[0], '>': value > numbers[0], '>=': value >= numbers[0]
    }[parsed.operator]) }}
{% endmacro %}
