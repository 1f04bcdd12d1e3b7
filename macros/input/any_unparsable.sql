{% macro any_unparsable(columns, data_type) %}
    (
        {%- for column in columns %}
        {{ "or " if not loop.first }}(
            {{ column }} is not null
            and {{ cast_or_null(column, data_type) }} is null
            and {{ clean_text(column) }} is not null
        )
        {%- endfor %}
    )
{% endmacro %}
