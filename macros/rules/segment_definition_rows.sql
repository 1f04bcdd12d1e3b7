{% macro segment_definition_rows() %}
    {#- `dbt compile` and `dbt docs` run no hook. -#}
    {%- if flags.WHICH in ('compile', 'generate') -%}
        {%- do check_configuration() -%}
    {%- endif -%}
    {%- set rows = [] -%}
    {%- for scheme_name, scheme in [('rfm', rfm_scheme())] + (schemes('any').items() | list) -%}
        {%- for segment in scheme.segments -%}
            {%- set rule = 'none of the above' -%}
            {%- if segment.get('when') -%}
                {%- set rule = rule_text(parse_rule(segment.when, rule_place(scheme_name, segment))) -%}
            {%- endif -%}
            {%- set values = [] -%}
            {%- for text in [
                scheme_name, scheme.get('family'), scheme.get('grain', 'customer'), segment.name, rule,
                segment.get('description'), segment.get('action'), segment.get('owner'), missing_input(scheme.get('needs'))
            ] -%}
                {%- do values.append(
                    dbt.string_literal(dbt.escape_single_quotes(text | trim)) if text else "cast(null as " ~ text_type() ~ ")"
                ) -%}
            {%- endfor -%}
            {%- do rows.append(values[:4] + [loop.index] + values[4:]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {#- A union of so many selects would take Spark a quarter of a minute to plan. -#}
    select * from (
        values
        {%- for values in rows or [["''"] * 4 + [0] + ["''"] * 5] %}
        ({{ values | join(", ") }}){{ "," if not loop.last }}
        {%- endfor %}
    ) as definitions (
        scheme, family, grain, segment, position, rule, description, action, owner, missing_input
    )
{% endmacro %}

{# Of the raw tables and columns that a scheme needs, those that the mapping lacks. #}
{% macro missing_input(needs) %}
    {%- set missing = [] -%}
    {%- for need in needs or [] if var('raw') is mapping -%}
        {%- set table, _, column = need.partition('.') -%}
        {%- set entry = (var('raw').get('tables') or {}).get(table) -%}
        {%- set columns = entry.get('columns') if entry is mapping -%}
        {%- if entry is not mapping or (column and columns and columns.get(column) | default('null', true) | lower == 'null') -%}
            {%- do missing.append(need) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(missing | join(', ')) }}
{% endmacro %}
