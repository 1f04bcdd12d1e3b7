{# What is missing for the rule to hold, in words; null where it holds. #}
{% macro rule_distance(rule) %}
    {%- if 'joiner' not in rule -%}
        {{ return(condition_distance(rule)) }}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for part in rule.parts -%}
        {%- set missing = rule_distance(part) -%}
        {%- do parts.append("'(' || " ~ missing ~ " || ')'" if part.get('joiner') == ' or ' else missing) -%}
    {%- endfor -%}
    {%- if rule.joiner == ' or ' -%}
        {{ return("case when " ~ rule_sql(rule) ~ " then null else " ~ (parts | join(" || ' or ' || ")) ~ " end") }}
    {%- endif -%}
    {{ return(joined_by_and(parts)) }}
{% endmacro %}

{# Leaves out what is null, and is null where everything is. #}
{% macro joined_by_and(parts) %}
    {%- if parts | length == 1 -%}
        {{ return(parts[0]) }}
    {%- endif -%}
    {%- set texts = [] -%}
    {%- for part in parts -%}
        {%- do texts.append("coalesce(' and ' || " ~ part ~ ", '')") -%}
    {%- endfor -%}
    {{ return("nullif(substr(" ~ (texts | join(' || ')) ~ ", 6), '')") }}
{% endmacro %}

{% macro condition_distance(condition) %}
    {%- set feature, operator, values = condition.feature, condition.operator, condition['values'] -%}
    {%- set branches = [] -%}
    {%- if operator in ('=', '<', '<=', '>', '>=', 'between') and modules.re.fullmatch('[-0-9. ]+', values | join(' '))
        and not modules.re.search('[0-9]-', values[0]) -%}
        {%- set counted = is_counted(feature) -%}
        {%- set strict = operator in ('<', '>') and not counted -%}
        {%- set low, high = values[0], values[-1] -%}
        {%- if counted and operator == '>' -%}
            {%- set low = (low | float // 1 + 1) | int -%}
        {%- elif counted and operator == '<' -%}
            {%- set high = (-(-(high | float) // 1) - 1) | int -%}
        {%- endif -%}
        {%- if operator not in ('<', '<=') -%}
            {%- do branches.append("when " ~ feature ~ (" <= " if strict else " < ") ~ low ~ " then "
                ~ amount_text(low ~ " - " ~ feature, 'more', feature, strict)) -%}
        {%- endif -%}
        {%- if operator not in ('>', '>=') -%}
            {%- do branches.append("when " ~ feature ~ (" >= " if strict else " > ") ~ high ~ " then "
                ~ amount_text(feature ~ " - " ~ high, 'fewer' if counted else 'less', feature, strict)) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return("case " ~ (branches | join(' ')) ~ " when " ~ rule_sql(condition) ~ " then null else '" ~ rule_text(condition)
        ~ "' end") }}
{% endmacro %}

{# Of what is counted, more than 4 is 5 or more. #}
{% macro is_counted(feature) %}
    {{ return(modules.re.search('(_count|_score)(_[0-9]+d)?$|^days_since_', feature) is not none) }}
{% endmacro %}

{% macro amount_text(amount, direction, feature, strict) %}
    {%- set text = "cast(" ~ amount ~ " as " ~ text_type() ~ ")" -%}
    {%- if strict -%}
        {#- A share that must be more than 0 lacks something, but not 0.000000. -#}
        {%- set text = "case when " ~ amount ~ " = 0 then 'some' else 'over ' || " ~ text ~ " end" -%}
    {%- endif -%}
    {%- set label = labels().get(feature, feature) -%}
    {%- if label is string -%}
        {{ return(text ~ " || ' " ~ direction ~ " " ~ label ~ "'") }}
    {%- endif -%}
    {{ return(text ~ " || case when " ~ amount ~ " = 1 then ' " ~ direction ~ " " ~ label[0] ~ "' else ' " ~ direction ~ " "
        ~ label[1] ~ "' end") }}
{% endmacro %}

{# Names for features in sentences; data: they stand in models/marts/schemes/labels.yml. #}
{% macro labels() %}
    {%- set own = yaml_data('customer_segments', []).get('labels') or {} -%}
    {{ return(dict(customer_segmentation.labels.macro.config.meta, **own)) }}
{% endmacro %}
