{# dbt comments on the columns in the model's YAML; a scheme of a user is in none. #}
{% macro describe_schemes(grain='customer') %}
    {%- set columns = {} -%}
    {%- for name, scheme in schemes(grain).items()
        if scheme.get('description') and name not in model.columns -%}
        {%- do columns.update({name: {'description': scheme.description, 'quote': false}}) -%}
    {%- endfor -%}
    {{- alter_column_comment(this, columns) if execute -}}
{% endmacro %}
