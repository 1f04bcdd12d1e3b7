{# Of alternatives the first that holds is named. #}
{% macro rule_reason(rule) %}
    {%- set reasons = [] -%}
    {%- for part in rule.get('parts', []) -%}
        {%- set reason = rule_reason(part) -%}
        {%- do reasons.append("when " ~ rule_sql(part) ~ " then " ~ reason if rule.joiner == ' or ' else reason) -%}
    {%- endfor -%}
    {%- if reasons -%}
        {{ return("case " ~ (reasons | join(' ')) ~ " end" if rule.joiner == ' or ' else reasons | join(" || ' and ' || ")) }}
    {%- elif rule.operator in ('=', 'is null', 'is not null') -%}
        {{ return("'" ~ rule_text(rule) ~ "'") }}
    {%- endif -%}
    {{ return("'" ~ rule.feature ~ " ' || cast(" ~ rule.feature ~ " as " ~ text_type() ~ ") || ' " ~ condition_text(rule) ~ "'") }}
{% endmacro %}
