{# Whether there is anything that was learned: Python models run on DuckDB alone. #}
{% macro learned(name, fitted_model) %}
    {#- YAML reads a bare `off` as false. -#}
    {%- set choice = var(name) or 'off' -%}
    {%- set is_fitted = choice in ('fitted', 'bg_nbd', 'mbg_nbd', 'nbd') -%}
    {%- if choice == 'off' or (is_fitted and target.type != 'duckdb') -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(ref(fitted_model if is_fitted else choice)) }}
{% endmacro %}
