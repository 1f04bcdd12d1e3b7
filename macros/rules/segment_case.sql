{% macro segment_case(scheme_name, segments) %}
    case
        {#- A case needs a condition, also where a scheme has none and while parsing. #}
        {%- if not segments or not segments[0].get('when') %}
        when 1 = 0 then cast(null as {{ text_type() }})
        {%- endif %}
        {%- for segment in segments %}
        {%- if segment.get('when') %}
        when {{ rule_sql(parse_rule(segment.when, rule_place(scheme_name, segment))) }}
            then '{{ segment.name }}'
        {%- else %}
        else '{{ segment.name }}'
        {%- endif %}
        {%- endfor %}
    end
{%- endmacro %}

{% macro rule_place(scheme_name, segment) %}
    {{- return("Scheme '" ~ scheme_name ~ "', segment '" ~ segment.get('name') ~ "'") -}}
{% endmacro %}
