{# Another form stops the build, rather than be read as another day. #}
{% macro month_first(column) %}
    strptime({{ column }}, '%m/%d/%Y')
{%- endmacro %}
