{% macro cast_or_null(column, data_type) %}
    {{ return(adapter.dispatch('cast_or_null', 'customer_segmentation')(column, data_type)) }}
{% endmacro %}

{% macro default__cast_or_null(column, data_type) %}
    {#- typeof() is a constant of the column, so a typed column never pays for the text branch. -#}
    {%- set text = "trim(cast(" ~ column ~ " as varchar))" -%}
    {%- set zone = var('source_timezone') -%}
    {%- set to_utc = (" at time zone '" ~ zone ~ "' at time zone 'UTC'") if zone != 'UTC' else "" -%}
    {%- if data_type == 'timestamp' -%}
        case
            when typeof({{ column }}) = 'TIMESTAMP WITH TIME ZONE'
                then try_cast({{ column }} as timestamptz) at time zone 'UTC'
            when typeof({{ column }}) <> 'VARCHAR'
                then try_cast({{ column }} as timestamp){{ to_utc }}
            when regexp_matches({{ text }}, '{{ iso_timestamp_pattern() }}(Z|[+-][0-9][0-9](:?[0-9][0-9])?)$')
                then try_cast({{ text }} as timestamptz) at time zone 'UTC'
            when regexp_matches({{ text }}, '{{ iso_timestamp_pattern() }}$|^[0-9]{4}-[0-9][0-9]-[0-9][0-9]$')
                then try_cast({{ text }} as timestamp){{ to_utc }}
        end
    {%- elif data_type in ('boolean', 'varchar') -%}
        try_cast({{ column }} as {{ data_type }})
    {%- else -%}
        {#- try_cast alone also takes 1e5, 1_000 and 0x1F for numbers. -#}
        {%- set pattern = (
            '^[0-9]{4}-[0-9][0-9]-[0-9][0-9]' if data_type == 'date'
            else '^[+-]?[0-9]+([.]0*)?$' if data_type == 'integer'
            else '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)$'
        ) -%}
        case
            when typeof({{ column }}) <> 'VARCHAR' or regexp_matches({{ text }}, '{{ pattern }}')
                then try_cast({{ column }} as {{ data_type }})
        end
    {%- endif -%}
{% endmacro %}

{% macro iso_timestamp_pattern() %}{{ return('^[0-9]{4}-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-9][0-9](:[0-9][0-9]([.][0-9]+)?)?') }}{% endmacro %}
