{# What the mapping names and the database does not have. A model of the user may not be built yet. #}
{% macro source_errors() %}
    {%- set errors = [] -%}
    {%- set raw = var('raw') if var('raw') is mapping else {} -%}
    {%- for name, entry in (raw.get('tables') or {}).items() if entry is mapping and not entry.get('model') -%}
        {%- set contract = graph.sources['source.customer_segmentation.raw.' ~ name] -%}
        {%- set file = entry.get('file') or raw.get('files') -%}
        {%- set place = file | replace('{table}', entry.get('identifier') or name) if file else contract.relation_name -%}
        {%- set problem = file_problem(place, raw_relation(name, entry)) if file else relation_problem(contract) -%}
        {%- if problem -%}
            {%- do errors.append("raw.tables." ~ name ~ ": " ~ place ~ " " ~ problem) -%}
        {%- else -%}
            {%- set relation = raw_relation(name, entry) if file else contract.relation_name -%}
            {%- set found = run_query("select * from " ~ relation ~ " limit 0").column_names | map('lower') | list -%}
            {#- Whatever is no plain name is an expression. -#}
            {%- set expected = (entry.get('columns') or {}).values() or contract.columns -%}
            {#- Without a header the first row would be told. -#}
            {%- set has_header = (found | select('in', expected | map('lower') | list) | list) != [] -%}
            {%- for column in expected if modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', column or '') -%}
                {%- if column | lower not in found and column | lower not in ['null', 'true', 'false'] -%}
                    {%- do errors.append("raw.tables." ~ name ~ ": " ~ place ~ " has no column '" ~ column ~ "'. "
                        ~ (nearest(column | lower, found) if has_header else "Is its header missing?") ~ " Fix: map it under columns, or leave it out there.") -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(errors) }}
{% endmacro %}

{% macro relation_problem(source) %}
    {%- if not adapter.get_relation(source.database, source.schema, source.identifier) -%}
        {{ return("does not exist, or this user may not see it. Fix: correct raw.schema or identifier.") }}
    {%- endif -%}
{% endmacro %}

{# Of files DuckDB reads; what is remote it reports itself. #}
{% macro file_problem(path, relation) %}
    {%- if '://' not in path -%}
        {%- set literal = dbt.string_literal(dbt.escape_single_quotes(path)) -%}
        {%- if run_query("select count(*) from glob(" ~ literal ~ ")").columns[0][0] == 0 -%}
            {{ return("does not exist. Fix: correct the path; it is seen from where dbt runs.") }}
        {%- elif run_query("select min(size) from read_blob(" ~ literal ~ ")").columns[0][0] == 0 -%}
            {{ return("is empty, without a header too. Fix: export it again.") }}
        {%- elif path.endswith('.csv') -%}
            {#- DuckDB's own error would show the line. -#}
            {%- do run_query("select count(*) from " ~ relation[:-1] ~ ", store_rejects = true)") -%}
            {%- set faults = run_query("select count(distinct line), min(line) from reject_errors").rows[0] -%}
            {%- do run_query("drop table reject_errors; drop table reject_scans") -%}
            {%- if faults[0] -%}
                {{ return("has " ~ faults[0] ~ " lines that are no rows of it, the first about line " ~ faults[1]
                    ~ ". Fix: load it by scripts/load_csv.py, which keeps them apart.") }}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
