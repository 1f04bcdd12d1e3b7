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
            {%- do rows.append([loop.index] + values) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for position, scheme_name, family, grain, segment, rule, description, action, owner, missing
        in rows or [[0] + ["''"] * 9] %}
    {{ "union all" if not loop.first }}
    select
        {{ scheme_name }} as scheme,
        {{ family }} as family,
        {{ grain }} as grain,
        {{ segment }} as segment,
        {{ position }} as position,
        {{ rule }} as rule,
        {{ description }} as description,
        {{ action }} as action,
        {{ owner }} as owner,
        {{ missing }} as missing_input
    {%- endfor %}
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
