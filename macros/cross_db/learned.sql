{% macro learned(name, fitted_model) %}
    {{- return(adapter.dispatch('learned', 'customer_segmentation')(name, fitted_model)) -}}
{% endmacro %}

{# Without Python models there is only what is frozen. #}
{% macro default__learned(name, fitted_model) %}
    {{- return(frozen(name)) -}}
{% endmacro %}

{% macro duckdb__learned(name, fitted_model) %}
    {{- return(ref(fitted_model) if var(name) in fitted_choices() else frozen(name)) -}}
{% endmacro %}

{# The relation that the var names; YAML reads a bare `off` as false. #}
{% macro frozen(name) %}
    {{- return(none if var(name) in [false, 'off'] + fitted_choices() else ref(var(name))) -}}
{% endmacro %}

{% macro fitted_choices() %}
    {{- return(['fitted', 'bg_nbd', 'mbg_nbd', 'nbd']) -}}
{% endmacro %}
