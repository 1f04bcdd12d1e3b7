{% macro learned(name, fitted_model) %}
    {{- return(adapter.dispatch('learned', 'customer_segmentation')(name, fitted_model)) -}}
{% endmacro %}

{# Without Python models there is only what is frozen. #}
{% macro default__learned(name, fitted_model) %}
    {{- return(frozen(name)) -}}
{% endmacro %}

{% macro duckdb__learned(name, fitted_model) %}
    {{- return(ref(fitted_model) if learned_choice(name) in fitted_choices() else frozen(name)) -}}
{% endmacro %}

{% macro frozen(name) %}
    {%- set choice = learned_choice(name) -%}
    {{- return(none if choice in ['off'] + fitted_choices() else ref(choice)) -}}
{% endmacro %}

{# YAML reads a bare `off` as false. #}
{% macro learned_choice(name) %}
    {%- set choice = (var('learned_models') if var(name) is none else var(name)) or 'off' -%}
    {#- What is none of these is refused when the build begins. -#}
    {%- set choice = 'off' if var(name) is none and choice not in ['fitted', 'frozen'] else choice -%}
    {{- return('frozen_' ~ name if choice == 'frozen' else choice) -}}
{% endmacro %}

{% macro fitted_choices() %}
    {{- return(['fitted', 'bg_nbd', 'mbg_nbd', 'nbd']) -}}
{% endmacro %}
