{% macro raw_errors() %}
    {%- set errors = [] -%}
    {%- set raw = var('raw') -%}
    {%- if raw is mapping -%}
        {%- set contract = {} -%}
        {%- for source in graph.sources.values() if source.package_name == 'customer_segmentation' -%}
            {%- do contract.update({source.name: source}) -%}
        {%- endfor -%}
        {%- for key in raw if key not in ('database', 'schema', 'files', 'tables') -%}
            {%- do errors.append("The var raw has an unknown key '" ~ key ~ "'. Keys: database, schema, files, tables.") -%}
        {%- endfor -%}
        {%- set tables = raw.get('tables') or {} -%}
        {%- for name in tables if name not in contract -%}
            {%- do errors.append("raw.tables: unknown table '" ~ name ~ "'. Tables: " ~ (contract | join(', ')) ~ ".") -%}
        {%- endfor -%}
        {%- for name, table in contract.items() -%}
            {%- set entry = tables.get(name) -%}
            {%- if entry is none and table.config.meta.get('required') -%}
                {%- do errors.append("raw.tables: the table '" ~ name ~ "' is required. Fix: say where it is, "
                    ~ "under vars: raw: tables: " ~ name ~ ".") -%}
            {%- elif entry is mapping -%}
                {%- for key in entry if key not in ('identifier', 'file', 'model', 'columns') -%}
                    {%- do errors.append("raw.tables." ~ name ~ " has an unknown key '" ~ key
                        ~ "'. Keys: identifier, file, model, columns.") -%}
                {%- endfor -%}
                {%- set columns = entry.get('columns') or {} -%}
                {%- for column in columns if column not in table.columns -%}
                    {%- do errors.append("raw.tables." ~ name ~ ".columns: unknown column '" ~ column ~ "'. Columns: "
                        ~ (table.columns | join(', ')) ~ ".") -%}
                {%- endfor -%}
                {%- for column in table.columns.values() if columns and column.config.meta.get('required') -%}
                    {%- if not columns.get(column.name) -%}
                        {%- do errors.append("raw.tables." ~ name ~ ".columns: '" ~ column.name
                            ~ "' is required. Fix: map it to a column of yours or an expression.") -%}
                    {%- endif -%}
                {%- endfor -%}
            {%- endif -%}
        {%- endfor -%}
    {%- elif raw != 'sample' -%}
        {%- do errors.append("The var raw is '" ~ raw ~ "'; it must be `sample` or a mapping of tables.") -%}
    {%- endif -%}
    {{ return(errors) }}
{% endmacro %}
