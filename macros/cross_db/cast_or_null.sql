{% macro cast_or_null(column, data_type) %}
    {{ return(adapter.dispatch('cast_or_null', 'customer_segmentation')(column, data_type)) }}
{% endmacro %}

{% macro default__cast_or_null(column, data_type) %}
    {#- typeof() is a constant of the column, so a typed column never pays for the text branch. -#}
    {%- set text = "trim(cast(" ~ column ~ " as varchar))" -%}
    {%- if data_type == 'timestamp' -%}
        case
            when typeof({{ column }}) = 'TIMESTAMP WITH TIME ZONE'
                then try_cast({{ column }} as timestamptz) at time zone 'UTC'
            when typeof({{ column }}) <> 'VARCHAR'
                then try_cast({{ column }} as timestamp){{ from_source_timezone() }}
            when regexp_matches({{ text }}, '{{ text_pattern('offset timestamp') }}')
                then try_cast({{ text }} as timestamptz) at time zone 'UTC'
            when regexp_matches({{ text }}, '{{ text_pattern('timestamp') }}')
                then try_cast({{ text }} as timestamp){{ from_source_timezone() }}
        end
    {%- elif data_type == 'boolean' -%}
        case
            when typeof({{ column }}) = 'BOOLEAN' then try_cast({{ column }} as boolean)
            else {{ text_to_boolean(text) }}
        end
    {%- else -%}
        {#- try_cast alone also takes 1e5, 1_000 and 0x1F for numbers. -#}
        case
            when typeof({{ column }}) <> 'VARCHAR' or regexp_matches({{ text }}, '{{ text_pattern(data_type) }}')
                then try_cast({{ column }} as {{ data_type }})
        end
    {%- endif -%}
{% endmacro %}

{# No try_cast, but a question whether a cast would succeed; it is asked of text. #}
{% macro postgres__cast_or_null(column, data_type) %}
    {%- set text = "trim(cast(" ~ column ~ " as text))" -%}
    {%- if data_type == 'timestamp' -%}
        case
            when {{ text }} ~ '{{ text_pattern('offset timestamp') }}' and pg_input_is_valid({{ text }}, 'timestamptz')
                then cast({{ text }} as timestamptz) at time zone 'UTC'
            when {{ text }} ~ '{{ text_pattern('timestamp') }}' and pg_input_is_valid({{ text }}, 'timestamp')
                then cast({{ text }} as timestamp){{ from_source_timezone() }}
        end
    {%- elif data_type == 'boolean' -%}
        {{ text_to_boolean(text) }}
    {%- elif data_type == 'integer' -%}
        case
            when {{ text }} ~ '{{ text_pattern(data_type) }}' and abs(cast({{ text }} as numeric)) <= 2147483647
                then cast(cast({{ text }} as numeric) as integer)
        end
    {%- else -%}
        {#- The outer cast keeps precision and scale, which a case drops. -#}
        cast(
            case
                when
                    {{ text }} ~ '{{ text_pattern(data_type) }}'
                    and pg_input_is_valid({{ text }}, '{{ data_type }}')
                    then {{ text }}
            end as {{ data_type }}
        )
    {%- endif -%}
{% endmacro %}

{# A timestamp is already a moment; a text with an offset becomes one. An integer is not cast from '5.0'. #}
{% macro spark__cast_or_null(column, data_type) %}
    {%- set text = "trim(cast(" ~ column ~ " as string))" -%}
    {%- if data_type == 'timestamp' -%}
        {%- set zone = var('source_timezone') -%}
        {%- set moment = "try_cast(" ~ text ~ " as timestamp)" -%}
        case
            when typeof({{ column }}) = 'timestamp' or {{ text }} rlike '{{ text_pattern('offset timestamp') }}'
                then {{ moment }}
            when {{ text }} rlike '{{ text_pattern('timestamp') }}'
                then {{ "to_utc_timestamp(" ~ moment ~ ", '" ~ zone ~ "')" if zone != 'UTC' else moment }}
        end
    {%- elif data_type == 'boolean' -%}
        {{ text_to_boolean(text) }}
    {%- elif data_type == 'integer' -%}
        case
            when {{ text }} rlike '{{ text_pattern(data_type) }}'
                then try_cast(try_cast({{ text }} as decimal(38, 0)) as integer)
        end
    {%- else -%}
        case when {{ text }} rlike '{{ text_pattern(data_type) }}' then try_cast({{ text }} as {{ data_type }}) end
    {%- endif -%}
{% endmacro %}

{% macro text_pattern(data_type) %}
    {%- set iso_time = '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?' -%}
    {{ return({
        'date': '^[0-9]{4}-[0-9]{2}-[0-9]{2}',
        'integer': '^[+-]?[0-9]+([.]0*)?$',
        'timestamp': iso_time ~ '$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$',
        'offset timestamp': iso_time ~ '(Z|[+-][0-9]{2}(:?[0-9]{2})?)$'
    }.get(data_type, '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)$')) }}
{% endmacro %}

{% macro text_to_boolean(text) %}
    case
        when lower({{ text }}) in ('true', 't', 'yes', 'y', '1') then true
        when lower({{ text }}) in ('false', 'f', 'no', 'n', '0') then false
    end
{% endmacro %}

{% macro from_source_timezone() %}
    {%- set zone = var('source_timezone') -%}
    {{ return(" at time zone '" ~ zone ~ "' at time zone 'UTC'" if zone != 'UTC' else "") }}
{% endmacro %}
