{% macro segment_definition_rows() %}
    {%- set rows = [] -%}
    {%- for scheme_name, scheme in [('rfm', rfm_map())] + (schemes().items() | list) -%}
        {%- for segment in scheme.segments -%}
            {%- set rules = [] -%}
            {%- for feature, condition in (segment.get('when') or {}).items() -%}
                {%- do rules.append(feature ~ " " ~ condition) -%}
            {%- endfor -%}
            {%- set values = [] -%}
            {%- for text in [
                scheme_name, segment.name, rules | join(' and ') or 'none of the above',
                segment.get('description'), segment.get('action'), segment.get('owner')
            ] -%}
                {%- do values.append(
                    dbt.string_literal(dbt.escape_single_quotes(text | trim)) if text else "cast(null as " ~ text_type() ~ ")"
                ) -%}
            {%- endfor -%}
            {%- do rows.append([loop.index] + values) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for position, scheme_name, segment, rule, description, action, owner in rows or [[0] + ["''"] * 6] %}
    {{ "union all" if not loop.first }}
    select
        {{ scheme_name }} as scheme,
        {{ segment }} as segment,
        {{ position }} as position,
        {{ rule }} as rule,
        {{ description }} as description,
        {{ action }} as action,
        {{ owner }} as owner
    {%- endfor %}
{% endmacro %}
