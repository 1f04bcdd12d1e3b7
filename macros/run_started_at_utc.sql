{% macro run_started_at_utc() %}
    {#- The project's only reading of the clock. -#}
    {{ return("cast('" ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S') ~ "' as timestamp)") }}
{% endmacro %}
