{% macro rule_sql(rule) %}
    {{- return(rule_text(rule, literals=true)) -}}
{% endmacro %}

{# In words, or with the literals of SQL. #}
{% macro rule_text(rule, literals=false) %}
    {%- if 'joiner' not in rule -%}
        {{ return(rule.feature ~ " " ~ condition_text(rule, literals)) }}
    {%- endif -%}
    {%- set texts = [] -%}
    {%- for part in rule.parts -%}
        {%- set text = rule_text(part, literals) -%}
        {%- do texts.append("(" ~ text ~ ")" if 'joiner' in part else text) -%}
    {%- endfor -%}
    {{ return(texts | join(rule.joiner)) }}
{% endmacro %}

{% macro condition_text(condition, literals=false) %}
    {%- set values = [] -%}
    {%- for value in condition['values'] -%}
        {%- do values.append(sql_literal(value) if literals else value) -%}
    {%- endfor -%}
    {%- if condition.operator == 'in' -%}
        {{ return("in (" ~ (values | join(', ')) ~ ")") }}
    {%- endif -%}
    {{ return(([condition.operator, values | join(' and ')] if values else [condition.operator]) | join(' ')) }}
{% endmacro %}

{% macro sql_literal(value) %}
    {%- if modules.re.fullmatch('-?[0-9]+([.][0-9]+)?|true|false|as_of_date( *- *[0-9]+)?', value) -%}
        {{ return(value) }}
    {%- elif modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', value) -%}
        {{ return("cast('" ~ value ~ "' as date)") }}
    {%- endif -%}
    {{ return("'" ~ value ~ "'") }}
{% endmacro %}
