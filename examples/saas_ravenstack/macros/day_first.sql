{# Another form stops the build, rather than be read as another day. #}
{% macro day_first(column) %}
    strptime({{ column }}, '%d-%m-%Y')
{%- endmacro %}
