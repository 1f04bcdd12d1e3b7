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
        {#- Parts of a microsecond would be rounded, at midnight into the next day. -#}
        {%- set moment = "regexp_replace(" ~ text ~ ", '([.][0-9]{6})[0-9]+', '\\1')" -%}
        case
            when {{ text }} ~ '{{ text_pattern('offset timestamp') }}' and pg_input_is_valid({{ text }}, 'timestamptz')
                then cast({{ moment }} as timestamptz) at time zone 'UTC'
            when {{ text }} ~ '{{ text_pattern('timestamp') }}' and pg_input_is_valid({{ text }}, 'timestamp')
                then cast({{ moment }} as timestamp){{ from_source_timezone() }}
        end
    {%- elif data_type == 'boolean' -%}
        {{ text_to_boolean(text) }}
    {%- elif data_type == 'integer' -%}
        case
            when
                {{ text }} ~ '{{ text_pattern(data_type) }}'
                and cast({{ text }} as numeric) between -2147483648 and 2147483647
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

{# A timestamp is already a moment; a text with an offset becomes one. An integer is not cast from '5.0'. All on one
   line, since the metastore of a local Spark takes views of 32,700 characters at most. #}
{% macro spark__cast_or_null(column, data_type) %}
    {%- set text = "trim(cast(" ~ column ~ " as string))" -%}
    {%- set cast_text -%}
        {%- if data_type == 'timestamp' -%}
            {{ spark_utc(column, text) }}
        {%- elif data_type == 'integer' -%}
            try_cast(try_cast({{ text }} as decimal(38, 0)) as integer)
        {%- else -%}
            try_cast({{ text }} as {{ data_type }})
        {%- endif -%}
    {%- endset -%}
    {%- if data_type == 'boolean' -%}
        {{ text_to_boolean(text) }}
    {%- else -%}
        {#- In Java `$` also matches before a line end. -#}
        {%- set pattern = text_pattern('date' if data_type == 'timestamp' else data_type) | replace('$', '\\\\z') -%}
        case when {{ text }} rlike '{{ pattern }}' then {{ cast_text }} end
    {%- endif -%}
{% endmacro %}

{# Without an offset, to_utc_timestamp takes the first of two hours that the clock shows alike, the other engines the
   second, whose offset is that of a day later. #}
{% macro spark_utc(column, text) %}
    {%- set zone = var('source_timezone') -%}
    {#- An offset is read after seconds only. -#}
    {%- set moment = "try_cast(regexp_replace(" ~ text ~ ", '^(.{16})([Z+-])', '$1:00$2') as timestamp)" -%}
    {%- if zone == 'UTC' -%}
        {{ moment }}
    {%- else -%}
        {%- set second = "to_utc_timestamp(m + interval 1 day, '" ~ zone ~ "') - interval 1 day" -%}
        element_at(transform(array({{ moment }}), m -> case
        when typeof({{ column }}) = 'timestamp' or {{ text }} rlike ':.*[Z+-]' then m
        when from_utc_timestamp({{ second }}, '{{ zone }}') = m then {{ second }}
        else to_utc_timestamp(m, '{{ zone }}') end), 1)
    {%- endif -%}
{% endmacro %}

{# No year 0, no hour 24, no second 60 and no offset beyond 14 hours: the engines differ in what they make of them. #}
{% macro text_pattern(data_type) %}
    {%- set iso_date = '^([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-[0-9]{2}-[0-9]{2}' -%}
    {%- set iso_time = '[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?' -%}
    {%- set offset = '(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)' -%}
    {{ return({
        'date': iso_date ~ '(' ~ iso_time ~ offset ~ '?)?$',
        'integer': '^[+-]?[0-9]+([.]0*)?$',
        'timestamp': iso_date ~ '(' ~ iso_time ~ ')?$',
        'offset timestamp': iso_date ~ iso_time ~ offset ~ '$'
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
