{% macro check_configuration() %}
    {#- Before any var is asked for: dbt runs what looks like Jinja in it. -#}
    {%- if execute and modules.re.search('[{][{%#]', invocation_args_dict.get('vars') | string) -%}
        {{ exceptions.raise_compiler_error(
            "SEG-VAR: a var of the command line holds Jinja, which dbt would run. Fix: give its value (docs/errors.md)."
        ) }}
    {%- endif -%}
    {%- set errors = configuration_errors() if execute -%}
    {%- if execute and not errors and flags.WHICH in ('run', 'build') -%}
        {%- set errors = coded('SEG-SOURCE', source_errors()) -%}
    {%- endif -%}
    {%- if errors -%}
        {{ exceptions.raise_compiler_error("\n- " ~ (errors | join("\n- ")) ~ "\nEach code is explained in docs/errors.md.") }}
    {%- endif -%}
{% endmacro %}

{% macro configuration_errors() %}
    {{ return(
        coded('SEG-RAW', raw_errors()) + coded('SEG-VAR', var_errors())
        + coded('SEG-MAP', rfm_map_errors(rfm_map())) + coded('SEG-RULE', rule_report().errors)
    ) }}
{% endmacro %}

{% macro coded(code, errors) %}
    {%- set found = [] -%}
    {%- for error in errors -%}
        {%- do found.append(code ~ ": " ~ error) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
