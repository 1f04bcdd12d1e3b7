{% macro clean_text(column) %}
    {{ return(adapter.dispatch('clean_text', 'customer_segmentation')(column)) }}
{% endmacro %}

{% macro default__clean_text(column) %}
    {#- trim() alone leaves tabs, line ends and no-break spaces. -#}
    {%- set text -%}
        trim(cast({{ column }} as varchar), ' ' || chr(9) || chr(10) || chr(13) || chr(160))
    {%- endset -%}
    case
        {#- Nothing to clean where five or more characters begin and end visibly, in ASCII: this check is three times as
            fast, and nearly every key passes it. #}
        when
            strlen(cast({{ column }} as varchar)) >= 5
            and cast({{ column }} as varchar) between '!' and '~'
            and cast({{ column }} as varchar)[-1] between '!' and '~'
            then cast({{ column }} as varchar)
        {#- The usual ways to write nothing; a pattern, since DuckDB turns a list of six into a join. #}
        when not regexp_full_match(lower({{ text }}), '|null|n/a|nan|none|\\n')
            then {{ text }}
    end
{% endmacro %}

{% macro postgres__clean_text(column) %}
    {%- set text -%}
        btrim(cast({{ column }} as text), ' ' || chr(9) || chr(10) || chr(13) || chr(160))
    {%- endset -%}
    case
        when lower({{ text }}) not in ('', 'null', 'n/a', 'nan', 'none', '\n') then {{ text }}
    end
{% endmacro %}

{# A backslash escapes in a literal. #}
{% macro spark__clean_text(column) %}
    {%- set text -%}
        trim(both ' ' || chr(9) || chr(10) || chr(13) || chr(160) from cast({{ column }} as string))
    {%- endset -%}
    case
        when lower({{ text }}) not in ('', 'null', 'n/a', 'nan', 'none', '\\n') then {{ text }}
    end
{% endmacro %}
