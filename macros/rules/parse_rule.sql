{# A condition is {feature, operator, values}; a group of them is {joiner, parts}. #}
{% macro parse_rule(when, place, errors=none) %}
    {%- set parts = [] -%}
    {%- if when is not mapping or not when -%}
        {%- do rule_error(place ~ ": '" ~ when ~ "' is no mapping of conditions, such as {order_count: \">= 5\"}.", errors) -%}
    {%- endif -%}
    {%- for key, value in (when if when is mapping else {}).items() -%}
        {%- if key not in ('any', 'all') -%}
            {%- set condition = parse_condition(key, value, place, errors) -%}
            {%- do parts.append(condition) if condition -%}
        {%- elif value is mapping or value is string or value is not iterable or not value -%}
            {%- do rule_error(place ~ ": '" ~ key ~ "' takes a list of conditions, such as `" ~ key
                ~ ": [{order_count: \">= 5\"}, {net_amount: \">= 500\"}]`.", errors) -%}
        {%- else -%}
            {%- set members = [] -%}
            {%- for member in value -%}
                {%- do members.append(parse_rule(member, place, errors)) -%}
            {%- endfor -%}
            {%- do parts.append(rule_group(' or ' if key == 'any' else ' and ', members)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(rule_group(' and ', parts)) }}
{% endmacro %}

{% macro rule_group(joiner, parts) %}
    {%- set flat = [] -%}
    {%- for part in parts -%}
        {%- do flat.extend(part.parts if part.get('joiner') == joiner else [part]) -%}
    {%- endfor -%}
    {{ return(flat[0] if flat | length == 1 else {'joiner': joiner, 'parts': flat}) }}
{% endmacro %}

{% macro parse_condition(feature, condition, place, errors=none) %}
    {%- set filled = namespace(text=condition | string | trim) -%}
    {%- set known = thresholds() if '{' in filled.text else {} -%}
    {%- for name in modules.re.findall('[{]([^{}]*)[}]', filled.text) if name in known -%}
        {%- set filled.text = filled.text | replace('{' ~ name ~ '}', known[name]) -%}
    {%- endfor -%}
    {%- for name in modules.re.findall('[{]([^{}]*)[}]', filled.text) -%}
        {%- do rule_error(place ~ ": unknown threshold '" ~ name ~ "' for '" ~ feature ~ "'. " ~ nearest(name, known), errors) -%}
        {{ return(none) }}
    {%- endfor -%}
    {%- set match = modules.re.fullmatch(
        '(?i)(?P<operator>!=|<=|>=|=|<|>) *(?P<value>[^=<>!].*)'
        '|(?P<null>is null|is not null)'
        '|between +(?P<low>.+?) +and +(?P<high>.+)'
        '|in *[(](?P<list>.+)[)]',
        filled.text
    ) -%}
    {%- set found = match.groupdict() if match else {} -%}
    {%- if found.get('null') -%}
        {{ return({'feature': feature, 'operator': found['null'] | lower, 'values': []}) }}
    {%- elif found.get('operator') -%}
        {%- set operator, values = found['operator'], [found['value']] -%}
    {%- elif found.get('low') -%}
        {%- set operator, values = 'between', [found['low'], found['high']] -%}
    {%- elif found.get('list') -%}
        {%- set operator, values = 'in', found['list'].split(',') -%}
    {%- else -%}
        {%- do rule_error(
            place ~ ": '" ~ filled.text ~ "' is no condition. Write one of: = x, != x, < x, <= x, > x, >= x, "
            "between x and y, in (x, y), is null, is not null.", errors
        ) -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set trimmed = values | map('trim') | list -%}
    {%- for value in trimmed if not modules.re.fullmatch('[\\w .-]+', value) -%}
        {%- do rule_error(
            place ~ ": the value '" ~ value ~ "' may hold letters, digits, spaces, dots and hyphens only.", errors
        ) -%}
        {{ return(none) }}
    {%- endfor -%}
    {{ return({'feature': feature, 'operator': operator, 'values': trimmed}) }}
{% endmacro %}

{# Collected where there is a list, so that all are said at once. While parsing, some YAML may not have been read. #}
{% macro rule_error(text, errors) %}
    {%- if errors is not none -%}
        {%- do errors.append(text) -%}
    {%- elif execute -%}
        {{ exceptions.raise_compiler_error("SEG-RULE: " ~ text) }}
    {%- endif -%}
{% endmacro %}

{# By how many of their pairs of neighbouring letters two names share. #}
{% macro nearest(name, names) %}
    {%- set pairs = set(zip('_' ~ name, name ~ '_')) -%}
    {%- set scored = [] -%}
    {%- for other in names -%}
        {%- set others = set(zip('_' ~ other, other ~ '_')) -%}
        {%- do scored.append((pairs.intersection(others) | length / (pairs.union(others) | length), other)) -%}
    {%- endfor -%}
    {{ return("Did you mean " ~ ((scored | sort(reverse=true) | map('last') | list)[:3] | join(', ')) ~ "?") }}
{% endmacro %}
