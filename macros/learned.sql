{# Whether there is anything that was learned: Python models run on DuckDB alone. #}
{% macro learned(name, fitted_model) %}
    {#- YAML reads a bare `off` as false. -#}
    {%- set choice = var(name) or 'off' -%}
    {%- if choice == 'off' or (choice == 'fitted' and target.type != 'duckdb') -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(ref(fitted_model if choice == 'fitted' else choice)) }}
{% endmacro %}
