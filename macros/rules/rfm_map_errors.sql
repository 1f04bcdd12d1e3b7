{# Every cell of the three scores must be in exactly one segment. #}
{% macro rfm_map_errors(map) %}
    {%- set errors, gaps, overlaps, rules = [], [], [], {} -%}
    {%- for segment in map.segments if segment.get('when') -%}
        {%- do rules.update({segment.name: parse_rule(segment.when, '', [])}) -%}
    {%- endfor -%}
    {%- for cell_number in range(map.score_count ** 3) -%}
        {%- set r = cell_number // map.score_count ** 2 + 1 -%}
        {%- set f = cell_number // map.score_count % map.score_count + 1 -%}
        {%- set m = cell_number % map.score_count + 1 -%}
        {%- set cell = {'r_score': r, 'f_score': f, 'm_score': m, 'rfm_cell': 100 * r + 10 * f + m} -%}
        {%- set matching = [] -%}
        {%- for name, rule in rules.items() if rule_holds(rule, cell) -%}
            {%- do matching.append(name) -%}
        {%- endfor -%}
        {%- do gaps.append(cell.rfm_cell) if not matching -%}
        {%- do overlaps.append(cell.rfm_cell ~ " (" ~ (matching | join(', ')) ~ ")") if matching | length > 1 -%}
    {%- endfor -%}
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

{% macro rule_holds(rule, cell) %}
    {%- if 'joiner' not in rule -%}
        {{ return(condition_holds(cell.get(rule.feature), rule.operator, rule['values'] | map('float') | list)) }}
    {%- endif -%}
    {%- set held = [] -%}
    {%- for part in rule.parts -%}
        {%- do held.append(rule_holds(part, cell)) -%}
    {%- endfor -%}
    {{ return(true in held if rule.joiner == ' or ' else false not in held) }}
{% endmacro %}
