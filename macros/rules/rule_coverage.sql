{# Which rules nobody can meet, never get their turn, or overlap, and whether all rules leave somebody out. Exact: where a
   rule of the scheme names a value, the feature's values part into cells, and all within a cell are treated alike. A box
   names the cells that it holds of some features, and holds all cells of the others; a rule is a list of boxes. #}
{% macro rule_coverage(scheme_name, scheme, known, with_overlaps=false) %}
    {%- set errors, overlaps, rules, seen = [], [], [], [] -%}
    {%- for segment in scheme.segments -%}
        {%- do rules.append(parse_rule(segment.when, '') if segment.get('when') else rule_group(' and ', [])) -%}
    {%- endfor -%}
    {%- set cells = scheme_cells(rules, known) -%}
    {%- set taken = impossible_boxes(cells) -%}
    {%- for segment in scheme.segments -%}
        {%- set place = rule_place(scheme_name, segment) -%}
        {%- set boxes = rule_boxes(rules[loop.index0], cells) -%}
        {%- if not boxes -%}
            {%- do errors.append(place ~ ": nobody can meet '" ~ rule_text(rules[loop.index0])
                ~ "'. Fix: change a value, or take the segment out.") -%}
        {%- elif uncovered_part(boxes, taken, cells) is none -%}
            {%- set earlier = [] -%}
            {%- for other in seen if common_boxes(boxes, other.boxes) -%}
                {%- do earlier.append("'" ~ other.name ~ "'") -%}
            {%- endfor -%}
            {%- do errors.append(place ~ " can never be reached: whoever meets its rule is already in "
                ~ (earlier | join(' or ')) ~ ". Fix: put it further up, change its rule, or take it out.") -%}
        {%- endif -%}
        {%- for other in seen if with_overlaps and segment.get('when') -%}
            {%- if uncovered_part(common_boxes(boxes, other.boxes), taken[:other.first], cells) is not none -%}
                {%- do overlaps.append({'scheme': scheme_name, 'first': other.name, 'second': segment.name}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do seen.append({'name': segment.name, 'boxes': boxes, 'first': taken | length}) -%}
        {%- do taken.extend(boxes) -%}
    {%- endfor -%}
    {%- set left = uncovered_part([{}], taken, cells) -%}
    {%- if left is not none -%}
        {%- do errors.append("Scheme '" ~ scheme_name ~ "' leaves out whoever has " ~ box_text(left, cells)
            ~ ". Fix: take the conditions of the last segment, '" ~ scheme.segments[-1].name ~ "', out, or add one without.") -%}
    {%- endif -%}
    {{ return({'errors': errors, 'overlaps': overlaps}) }}
{% endmacro %}

{# Of each feature that the rules name the cells, each as a value that stands for it. #}
{% macro scheme_cells(rules, known) %}
    {%- set found = {} -%}
    {%- for rule in rules -%}
        {%- for condition in rule_conditions(rule) -%}
            {%- set feature = known[condition.feature] -%}
            {%- set cell = found.setdefault(cell_key(condition), dict(feature, name=condition.feature, cuts=[])) -%}
            {%- for value in condition['values'] -%}
                {%- do cell.cuts.append(cell_value(value, feature.kind)) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for feature in found.values() -%}
        {%- set values = {'segment': feature.get('names'), 'boolean': ['true', 'false'], 'text': feature.cuts + ['*']}
            .get(feature.kind) or number_cells(feature) -%}
        {%- set values = values | unique(case_sensitive=true) | list + ([] if feature.is_required else [none]) -%}
        {%- do feature.update({'values': values, 'all': set(range(values | length))}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{# How a fixed day and one before the as-of date lie to each other, nobody knows: they part the feature twice. #}
{% macro cell_key(condition) %}
    {%- set is_relative = condition['values'] and condition['values'][0].startswith('as_of_date') -%}
    {{ return(condition.feature ~ (" before as_of_date" if is_relative else "")) }}
{% endmacro %}

{# Numbers and days as numbers. #}
{% macro cell_value(text, kind) %}
    {%- if kind in ('integer', 'decimal') -%}
        {{ return(text | float) }}
    {%- elif kind == 'date' and text.startswith('as_of_date') -%}
        {{ return(-(text.split('-')[1:] | first | default(0) | int)) }}
    {%- elif kind == 'date' -%}
        {%- set year, month, day = text.split('-') -%}
        {{ return(modules.datetime.date(year | int, month | int, 1).toordinal() + (day | int) - 1) }}
    {%- endif -%}
    {{ return(text) }}
{% endmacro %}

{# Each value that is named, and one before, between and behind them. #}
{% macro number_cells(feature) %}
    {%- set low, high, is_whole = feature.get('low'), feature.get('high'), feature.kind != 'decimal' -%}
    {%- set cuts = (feature.cuts + ([low, high] | reject('none') | list) or [0]) | unique | sort -%}
    {%- set tried = [-(-cuts[0] // 1) - 1] -%}
    {%- for cut, next in zip(cuts, cuts[1:] + [cuts[-1] + 2]) -%}
        {%- do tried.extend([cut, cut // 1 + 1 if is_whole else (cut + next) / 2]) -%}
    {%- endfor -%}
    {%- set found = [] -%}
    {%- for value in tried if not (is_whole and value % 1)
        and (low is none or value >= low) and (high is none or value <= high) -%}
        {%- do found.append(value) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{# What is null is so whatever it is compared with. #}
{% macro impossible_boxes(cells) %}
    {%- set found = [] -%}
    {%- for key, cell in cells.items() if key != cell.name and cell.name in cells and not cell.is_required -%}
        {%- set other = cells[cell.name] -%}
        {%- set null, other_null = set([cell['values'] | length - 1]), set([other['values'] | length - 1]) -%}
        {%- do found.append({key: null, cell.name: other.all.difference(other_null)}) -%}
        {%- do found.append({key: cell.all.difference(null), cell.name: other_null}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{% macro rule_boxes(rule, cells) %}
    {%- set found = namespace(boxes=[{}] if rule.get('joiner') == ' and ' else []) -%}
    {%- if 'joiner' not in rule -%}
        {%- set cell, values, held = cells[cell_key(rule)], [], [] -%}
        {%- for value in rule['values'] -%}
            {%- do values.append(cell_value(value, cell.kind)) -%}
        {%- endfor -%}
        {%- for value in cell['values'] -%}
            {%- do held.append(loop.index0) if condition_holds(value, rule.operator, values) -%}
        {%- endfor -%}
        {%- set found.boxes = [{cell_key(rule): set(held)}] if held else [] -%}
    {%- endif -%}
    {%- for part in rule.get('parts', []) -%}
        {%- set boxes = rule_boxes(part, cells) -%}
        {%- set found.boxes = found.boxes + boxes if rule.joiner == ' or ' else common_boxes(found.boxes, boxes) -%}
    {%- endfor -%}
    {{ return(found.boxes) }}
{% endmacro %}

{% macro condition_holds(value, operator, values) %}
    {%- if value is none or operator in ('is null', 'is not null') -%}
        {{ return((value is none) == (operator == 'is null')) }}
    {%- elif operator == 'between' -%}
        {{ return(values[0] <= value <= values[1]) }}
    {%- elif operator == 'in' -%}
        {{ return(value in values) }}
    {%- endif -%}
    {{ return({
        '=': value == values[0], '!=': value != values[0], '<': value < values[0],
        '<=': value <= values[0], '>': value > values[0], '>=': value >= values[0]
    }[operator]) }}
{% endmacro %}

{% macro common_boxes(ones, others) %}
    {%- set found = [] -%}
    {%- for one in ones -%}
        {%- for other in others -%}
            {%- set both = dict(one) -%}
            {%- for key, held in other.items() -%}
                {%- do both.update({key: both[key].intersection(held) if key in both else held}) -%}
            {%- endfor -%}
            {%- do found.append(both) if both.values() | select | list | length == both | length -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{# Some part of the boxes that lies in none of those taken, or none. #}
{% macro uncovered_part(boxes, taken, cells) %}
    {%- for box in boxes -%}
        {%- set split = namespace(by=none, rest=taken) -%}
        {%- for other in taken if split.by is none and common_boxes([box], [other]) -%}
            {%- set split.by = other -%}
            {%- set split.rest = taken[taken.index(other) + 1:] -%}
        {%- endfor -%}
        {%- if split.by is none -%}
            {{ return(box) }}
        {%- endif -%}
        {#- What lies outside of that box, feature by feature. -#}
        {%- set inside, pieces = dict(box), [] -%}
        {%- for key, held in split.by.items() -%}
            {%- set mine = inside.get(key, cells[key].all) -%}
            {%- do pieces.append(dict(inside, **{key: mine.difference(held)})) if mine.difference(held) -%}
            {%- do inside.update({key: mine.intersection(held)}) -%}
        {%- endfor -%}
        {%- set found = uncovered_part(pieces, split.rest, cells) -%}
        {%- if found is not none -%}
            {{ return(found) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(none) }}
{% endmacro %}

{# Somebody in the box, for an example. #}
{% macro box_text(box, cells) %}
    {%- set texts = [] -%}
    {%- for key, held in box.items() -%}
        {%- set cell = cells[key] -%}
        {%- set value = cell['values'][held | min] -%}
        {%- set shown = value -%}
        {%- if value is number and cell.kind != 'date' -%}
            {%- set shown = "%g" | format(value) -%}
        {%- elif value is number -%}
            {%- set shown = "as_of_date " ~ ("%+d" | format(value)) if key != cell.name
                else modules.datetime.date.fromordinal(value) if cell.cuts else "known" -%}
        {%- endif -%}
        {%- do texts.append(
            "no " ~ cell.name if value is none
            else "another " ~ cell.name if value == '*'
            else cell.name ~ " " ~ shown
        ) -%}
    {%- endfor -%}
    {{ return(texts | join(' and ')) }}
{% endmacro %}
