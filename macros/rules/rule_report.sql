{# What is wrong with the rules, and which of them overlap, so that their order decides. #}
{% macro rule_report(with_overlaps=false) %}
    {%- set found = schemes('any') -%}
    {%- set report = scheme_report(dict({'rfm': rfm_scheme()}, **found), known_features(), with_overlaps) -%}
    {%- for name in yaml_data('customer_segments', []).get('thresholds') or {} if '{' ~ name ~ '}' not in found | string -%}
        {%- do report.errors.append("The threshold '" ~ name ~ "' is in no rule. "
            ~ nearest(name, customer_segmentation.thresholds.macro.config.meta)) -%}
    {%- endfor -%}
    {{ return(report) }}
{% endmacro %}

{% macro scheme_report(found, features, with_overlaps=false) %}
    {%- set errors, overlaps = [], [] -%}
    {%- for name, scheme in found.items() -%}
        {%- set grain = scheme.get('grain', 'customer') -%}
        {%- set known = dict(features.get('rfm' if name == 'rfm' else grain) or features.customer) -%}
        {%- for other, asked in found.items() if name != 'rfm' and asked.get('grain', 'customer') in (grain, 'both') -%}
            {%- set names = scheme_segments(asked) | map(attribute='name') | list -%}
            {%- do known.setdefault(other, {'kind': 'segment', 'names': names, 'is_required': true}) -%}
        {%- endfor -%}
        {%- set faults = scheme_errors(name, scheme, known, features) -%}
        {%- if not faults -%}
            {%- set coverage = rule_coverage(name, scheme, known, with_overlaps) -%}
            {%- do faults.extend(coverage.errors) -%}
            {%- do overlaps.extend(coverage.overlaps) -%}
        {%- endif -%}
        {%- do errors.extend(faults) -%}
    {%- endfor -%}
    {%- set circle = namespace(names=found | reject('in', scheme_levels(found) | sum(start=[])) | list) -%}
    {%- for _ in circle.names -%}
        {%- set asked = [] -%}
        {%- for name in circle.names -%}
            {%- do asked.extend(scheme_asks_for(found[name], found)) -%}
        {%- endfor -%}
        {%- set circle.names = circle.names | select('in', asked) | list -%}
    {%- endfor -%}
    {%- if circle.names -%}
        {%- do errors.append("The schemes " ~ (circle.names | join(', ')) ~ " ask for each other's segments in a circle. Fix: "
            ~ "take one of these conditions out.") -%}
    {%- endif -%}
    {{ return({'errors': errors, 'overlaps': overlaps}) }}
{% endmacro %}

{# Also of a scheme that is not well formed. #}
{% macro scheme_segments(scheme) %}
    {%- set segments = scheme.get('segments') -%}
    {{ return(segments | select('mapping') | list if segments is iterable else []) }}
{% endmacro %}

{% macro scheme_errors(scheme_name, scheme, known, features) %}
    {%- set errors = [] -%}
    {%- set place = "Scheme '" ~ scheme_name ~ "'" -%}
    {%- set segments = scheme_segments(scheme) -%}
    {%- set names = segments | map(attribute='name') | list -%}
    {%- set segment_keys = ['name', 'description', 'action', 'owner', 'when', 'better'] -%}
    {%- set scheme_keys = ['description', 'family', 'needs', 'grain', 'segments']
        + (['score_count', 'cutpoints'] if scheme_name == 'rfm' else []) -%}
    {%- if not modules.re.fullmatch('[a-z][a-z0-9_]*', scheme_name) -%}
        {%- do errors.append(place ~ ": a name has lower-case letters, digits and underscores.") -%}
    {%- elif scheme_name in features.customer or scheme_name in features.get('company', {}) -%}
        {%- do errors.append(place ~ ": a feature has this name. Fix: give the scheme another.") -%}
    {%- endif -%}
    {%- for key in scheme if key not in scheme_keys -%}
        {%- do errors.append(place ~ ": unknown key '" ~ key ~ "'. Keys: " ~ (scheme_keys | join(', ')) ~ ".") -%}
    {%- endfor -%}
    {%- if scheme.get('grain', 'customer') not in ('customer', 'company', 'both') -%}
        {%- do errors.append(place ~ ": unknown grain '" ~ scheme.grain ~ "'; it must be customer, company or both.") -%}
    {%- endif -%}
    {%- set inputs = raw_inputs() -%}
    {%- for need in scheme.get('needs') or [] if need not in inputs -%}
        {%- do errors.append(place ~ ": unknown input '" ~ need ~ "' in needs. " ~ nearest(need, inputs)) -%}
    {%- endfor -%}
    {%- if segments | length < 2 -%}
        {%- do errors.append(place ~ " has " ~ ("a single segment" if segments else "no segments")
            ~ ", so it tells no customers apart. Fix: a list of two segments or more.") -%}
    {%- endif -%}
    {%- for segment in segments -%}
        {%- set place = rule_place(scheme_name, segment) -%}
        {%- if not modules.re.fullmatch('[A-Za-z][A-Za-z0-9_]*', segment.get('name') | default('', true) | string) -%}
            {%- do errors.append(place ~ ": a name has letters, digits and underscores.") -%}
        {%- elif names.count(segment.name) > 1 and names.index(segment.name) == loop.index0 -%}
            {%- do errors.append(place ~ " is defined twice. Segments: " ~ (names | join(', ')) ~ ".") -%}
        {%- endif -%}
        {%- for key in segment if key not in segment_keys -%}
            {%- do errors.append(place ~ ": unknown key '" ~ key ~ "'. Keys: " ~ (segment_keys | join(', ')) ~ ".") -%}
        {%- endfor -%}
        {%- if segment.get('better') and segment.better not in names | reject('equalto', segment.name) -%}
            {%- do errors.append(place ~ ": better is '" ~ segment.better ~ "', which is no other segment of the scheme. "
                ~ nearest(segment.better, names | reject('equalto', segment.name))) -%}
        {%- endif -%}
        {%- if segment.get('when') -%}
            {%- for condition in rule_conditions(parse_rule(segment.when, place, errors)) -%}
                {%- if condition.feature not in known -%}
                    {%- do errors.append(place ~ ": unknown feature '" ~ condition.feature ~ "'. "
                        ~ nearest(condition.feature, known)) -%}
                {%- else -%}
                    {%- do errors.extend(condition_errors(condition, known[condition.feature], place)) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- elif not loop.last -%}
            {%- do errors.append(place ~ " has no conditions, so no later segment can be reached. Fix: give it a rule, or put it "
                ~ "last.") -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(errors) }}
{% endmacro %}

{# Whether the values are of the feature's kind. #}
{% macro condition_errors(condition, feature, place) %}
    {%- set names = feature.get('names') or [] -%}
    {%- set number = '-?[0-9]+([.][0-9]+)?' -%}
    {%- set date = 'as_of_date( *- *[0-9]+)?|[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])' -%}
    {%- set kind, pattern, is_ordered = {
        'text': ('text', '(?!(' ~ number ~ '|true|false|' ~ date ~ ')$).*', false),
        'boolean': ('true or false', 'true|false', false),
        'date': ('a date, YYYY-MM-DD or as_of_date - days', date, true),
        'segment': ('a scheme of ' ~ (names | join(', ')), names | join('|'), false)
    }.get(feature.kind, ('a number', number, true)) -%}
    {%- set said = place ~ ": '" ~ rule_text(condition) ~ "', but " ~ condition.feature ~ " is " ~ kind -%}
    {%- if not is_ordered and condition.operator not in ('=', '!=', 'in', 'is null', 'is not null') -%}
        {{ return([said ~ ". Write = x, != x, in (x, y), is null or is not null."]) }}
    {%- elif (condition['values'] | join(' ')).count('as_of_date') not in (0, condition['values'] | length) -%}
        {{ return([place ~ ": '" ~ rule_text(condition) ~ "' names both a day and as_of_date. Fix: write two conditions."]) }}
    {%- endif -%}
    {%- for value in condition['values'] -%}
        {%- if not modules.re.fullmatch(pattern, value) -%}
            {{ return([said ~ ", and '" ~ value ~ "' is not."]) }}
        {%- elif feature.kind == 'date' and value[0] != 'a'
            and modules.datetime.date.fromordinal(cell_value(value, 'date') | int).isoformat() != value -%}
            {{ return([said ~ ", and there is no day '" ~ value ~ "'."]) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return([]) }}
{% endmacro %}

{# Every raw table and column that a scheme may need. #}
{% macro raw_inputs() %}
    {%- set found = [] -%}
    {%- for source in graph.sources.values() if source.package_name == 'customer_segmentation' -%}
        {%- do found.append(source.name) -%}
        {%- for column in source.columns -%}
            {%- do found.append(source.name ~ "." ~ column) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
