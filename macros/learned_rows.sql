{% macro learned_rows(name, fitted_model, columns) %}
    {%- set relation = learned(name, fitted_model) -%}
    select
    {%- for column, data_type in columns.items() %}
        cast({{ column if relation else 'null' }} as {{ data_type }}) as {{ column }}
        {{- "," if not loop.last }}
    {%- endfor %}
    {{ "from " ~ relation if relation else "where 1 = 0" }}
    {%- if relation and var(name) == 'fitted' %}
    where as_of_date = (select max(as_of_date) from {{ ref('int_as_of_date') }})
    {%- endif %}
{% endmacro %}
