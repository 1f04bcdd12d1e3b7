{% macro segment_case(scheme_name, segments) %}
    case
        {#- A case needs a condition, also where a scheme has none and while parsing. #}
        {%- if not segments or not segments[0].get('when') %}
        when 1 = 0 then cast(null as {{ text_type() }})
        {%- endif %}
        {%- for segment in segments %}
        {%- if segment.get('when') %}
        when
            {%- for feature, condition in segment.when.items() %}
            {{ "and " if not loop.first }}{{ condition_sql(
                feature, parse_condition(condition, rule_place(scheme_name, segment))
            ) }}
            {%- endfor %}
            then '{{ segment.name }}'
        {%- else %}
        else '{{ segment.name }}'
        {%- endif %}
        {%- endfor %}
    end
{%- endmacro %}

{% macro condition_sql(feature, parsed) %}
    {%- set literals = [] -%}
    {%- for value in parsed['values'] -%}
        {%- set is_bare = modules.re.fullmatch('-?[0-9]+([.][0-9]+)?|true|false', value) -%}
        {%- do literals.append(value if is_bare else "'" ~ value ~ "'") -%}
    {%- endfor -%}
    {%- if parsed.operator == 'in' -%}
        {{ feature }} in ({{ literals | join(', ') }})
    {%- elif parsed.operator == 'between' -%}
        {{ feature }} between {{ literals | join(' and ') }}
    {%- else -%}
        {{ ([feature, parsed.operator] + literals) | join(' ') }}
    {%- endif -%}
{%- endmacro %}

{% macro rule_place(scheme_name, segment) %}
    {{- return("Scheme '" ~ scheme_name ~ "', segment '" ~ segment.get('name') ~ "'") -}}
{% endmacro %}
