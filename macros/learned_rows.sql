{% macro learned_rows(name, fitted_model, columns) %}
    {%- set relation = learned(name, fitted_model) -%}
    select
    {%- for column, data_type in columns.items() %}
        cast({{ column if relation else 'null' }} as {{ data_type }}) as {{ column }}
        {{- "," if not loop.last }}
    {%- endfor %}
    {{ "from " ~ relation if relation else "where 1 = 0" }}
{% endmacro %}
