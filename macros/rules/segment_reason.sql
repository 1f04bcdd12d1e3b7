{# For a column `scheme`, what is asked of the customer's segment in it: segment, reason, next_segment or distance. #}
{% macro segment_reason(asked) %}
    case scheme
        {%- for name, scheme in dict({'rfm': rfm_scheme()}, **schemes()).items() %}
        when '{{ name }}' then {{ name if asked == 'segment' else scheme_reason(name, scheme, asked) }}
        {%- endfor %}
    end
{%- endmacro %}

{% macro scheme_reason(scheme_name, scheme, asked) %}
    {%- set rules, cases = {}, [] -%}
    {%- for segment in scheme.segments -%}
        {%- do rules.update({segment.name: parse_rule(segment.when, rule_place(scheme_name, segment))
            if segment.get('when') else none}) -%}
    {%- endfor -%}
    {%- for segment in scheme.segments -%}
        {%- set rule, better = rules[segment.name], segment.get('better') -%}
        {%- set answer = none -%}
        {%- if asked == 'reason' -%}
            {%- set answer = rule_reason(rule) if rule else "'none of the above'" -%}
        {%- elif better and asked == 'next_segment' -%}
            {%- set answer = "'" ~ better ~ "'" -%}
        {%- elif better -%}
            {%- set answer = segment_distance(segment.name, better, rules) -%}
        {%- endif -%}
        {%- do cases.append("when '" ~ segment.name ~ "' then " ~ answer) if answer -%}
    {%- endfor -%}
    {{ return("case " ~ scheme_name ~ " " ~ (cases | join(' ')) ~ " end" if cases else "cast(null as " ~ text_type() ~ ")") }}
{% endmacro %}

{# What the better segment's rule lacks, and the rules before it that hold and need not cease to by that alone. #}
{% macro segment_distance(segment, better, rules) %}
    {%- set parts = [rule_distance(rules[better])] if rules[better] else [] -%}
    {%- set names = rules | list -%}
    {%- for name in names[names.index(segment):names.index(better)] if not rules_part(rules[name], rules[better]) -%}
        {%- set text = rule_obstacle(rules[name]) -%}
        {%- do parts.append(text if name == segment else "case when " ~ rule_sql(rules[name]) ~ " then " ~ text ~ " end") -%}
    {%- endfor -%}
    {{ return(joined_by_and(parts)) }}
{% endmacro %}

{# What must change for a rule that holds to hold no longer: where there is too little, how much is missing. #}
{% macro rule_obstacle(rule) %}
    {%- set opposites = {'<': '>=', '<=': '>'} -%}
    {%- if is_counted(rule.get('feature', '')) -%}
        {%- do opposites.update({'=': '>'}) -%}
    {%- endif -%}
    {%- if rule.get('operator') in opposites -%}
        {{ return(condition_distance(dict(rule, operator=opposites[rule.operator]))) }}
    {%- endif -%}
    {{ return("'no longer " ~ ("(" ~ rule_text(rule) ~ ")" if 'joiner' in rule else rule_text(rule)) ~ "'") }}
{% endmacro %}

{# Whether nobody can meet both; a unit test knows of no contract, so kinds are told by the values. #}
{% macro rules_part(rule, other) %}
    {%- if not other -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set known = {} -%}
    {%- for condition in rule_conditions(rule) + rule_conditions(other) -%}
        {%- set value = condition['values'] | first -%}
        {%- set kind = 'boolean' if value in ('true', 'false')
            else 'date' if modules.re.match('[0-9]{4}-[0-9]{2}-|as_of_date', value or '')
            else 'decimal' if modules.re.match('-?[0-9]+([.][0-9]+)?$', value or '') else 'text' -%}
        {%- if value or condition.feature not in known -%}
            {%- do known.update({condition.feature: {'kind': kind, 'is_required': false}}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set cells = scheme_cells([rule, other], known) -%}
    {{ return(not common_boxes(rule_boxes(rule, cells), rule_boxes(other, cells))) }}
{% endmacro %}
