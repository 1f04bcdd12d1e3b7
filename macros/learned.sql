{# Whether there is anything that was learned: Python models run on DuckDB alone. #}
{% macro learned(name, fitted_model) %}
    {%- set choice = var(name) -%}
    {%- if choice == 'off' or (choice == 'fitted' and target.type != 'duckdb') -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(ref(fitted_model if choice == 'fitted' else choice)) }}
{% endmacro %}
