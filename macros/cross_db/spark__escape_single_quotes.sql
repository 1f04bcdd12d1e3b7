{# dbt's own leaves the backslash, which escapes in a literal: '\N' would read as 'N'. #}
{% macro spark__escape_single_quotes(expression) %}
    {{- return(expression.replace("\\", "\\\\").replace("'", "\\'")) -}}
{% endmacro %}
