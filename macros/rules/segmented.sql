{# One pass over the relation: a scheme that asks for the segment of another is decided in a select around it. #}
{% macro segmented(relation, columns, grain='customer') %}
    {%- set found = schemes(grain) -%}
    {%- set source = namespace(sql=relation) -%}
    {%- for level in scheme_levels(found) -%}
        {%- set inner -%}
    (
        select
            *
            {%- for name in level %},
            {{ segment_case(name, found[name].segments) }} as {{ name }}
            {%- endfor %}
        from {{ source.sql }}
    ) as segmented_{{ loop.index }}
        {%- endset -%}
        {%- set source.sql = inner -%}
    {%- endfor -%}
    select {{ (columns + found | list) | join(', ') }}
    from {{ source.sql }}
{% endmacro %}

{# The names of the schemes, those that ask for another's segment in a level behind it. #}
{% macro scheme_levels(found) %}
    {%- set levels, done = [], [] -%}
    {%- set asked = {} -%}
    {%- for name, scheme in found.items() -%}
        {%- do asked.update({name: scheme_asks_for(scheme, found)}) -%}
    {%- endfor -%}
    {%- for _ in found -%}
        {%- set level = [] -%}
        {%- for name in found if name not in done and not asked[name] | reject('in', done) | list -%}
            {%- do level.append(name) -%}
        {%- endfor -%}
        {%- do levels.append(level) if level -%}
        {%- do done.extend(level) -%}
    {%- endfor -%}
    {{ return(levels) }}
{% endmacro %}

{# Which of these schemes a scheme's rules ask for. #}
{% macro scheme_asks_for(scheme, found) %}
    {%- set asked = [] -%}
    {%- for segment in scheme_segments(scheme) if segment.get('when') -%}
        {%- for condition in rule_conditions(parse_rule(segment.when, '', [])) if condition.feature in found -%}
            {%- do asked.append(condition.feature) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(asked) }}
{% endmacro %}

{% macro rule_conditions(rule) %}
    {%- if 'joiner' not in rule -%}
        {{ return([rule]) }}
    {%- endif -%}
    {%- set found = [] -%}
    {%- for part in rule.parts -%}
        {%- do found.extend(rule_conditions(part)) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
