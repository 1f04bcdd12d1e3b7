{% macro as_of_date_var() %}
    {%- set text = var('as_of_date') | string if var('as_of_date') is not none else none -%}
    {%- if text is none -%}
        {{ return("cast(null as date)") }}
    {%- endif -%}
    {%- set today = run_started_at.astimezone(modules.pytz.timezone(var('business_timezone'))).strftime('%Y-%m-%d') -%}
    {%- if not modules.re.fullmatch('[0-9]{4}-[0-9][0-9]-[0-9][0-9]', text) or text > today -%}
        {{ exceptions.raise_compiler_error(
            "SEG-VAR: as_of_date is '" ~ text ~ "'; it must be a day as YYYY-MM-DD, and not later than today, " ~ today ~ " (docs/errors.md)."
        ) }}
    {%- endif -%}
    {{ return("cast('" ~ text ~ "' as date)") }}
{% endmacro %}
