{% macro parse_condition(condition, place) %}
    {%- set text = condition | string | trim -%}
    {%- set match = modules.re.fullmatch(
        '(?i)(?P<operator>!=|<=|>=|=|<|>) *(?P<value>[^=<>!].*)'
        '|(?P<null>is null|is not null)'
        '|between +(?P<low>.+?) +and +(?P<high>.+)'
        '|in *[(](?P<list>.+)[)]',
        text
    ) -%}
    {%- set found = match.groupdict() if match else {} -%}
    {%- if found.get('null') -%}
        {{ return({'operator': found['null'] | lower, 'values': []}) }}
    {%- elif found.get('operator') -%}
        {%- set operator, values = found['operator'], [found['value']] -%}
    {%- elif found.get('low') -%}
        {%- set operator, values = 'between', [found['low'], found['high']] -%}
    {%- elif found.get('list') -%}
        {%- set operator, values = 'in', found['list'].split(',') -%}
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            place ~ ": '" ~ text ~ "' is no condition. Write one of: = x, != x, < x, <= x, > x, >= x, "
            "between x and y, in (x, y), is null, is not null."
        ) }}
    {%- endif -%}
    {%- set trimmed = values | map('trim') | list -%}
    {%- for value in trimmed if not modules.re.fullmatch('[A-Za-z0-9_ .-]+', value) -%}
        {{ exceptions.raise_compiler_error(
            place ~ ": the value '" ~ value ~ "' may hold letters, digits, spaces, dots and hyphens only."
        ) }}
    {%- endfor -%}
    {{ return({'operator': operator, 'values': trimmed}) }}
{% endmacro %}
