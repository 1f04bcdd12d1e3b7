{% macro check_configuration() %}
    {%- set errors = configuration_errors() if execute -%}
    {%- if errors -%}
        {{ exceptions.raise_compiler_error("\n- " ~ (errors | join("\n- "))) }}
    {%- endif -%}
{% endmacro %}

{% macro configuration_errors() %}
    {{ return(raw_errors() + var_errors() + rfm_map_errors(rfm_map()) + rule_report().errors) }}
{% endmacro %}
