{% macro var_errors() %}
    {%- set errors = [] -%}
    {%- for name in ['business_timezone', 'source_timezone'] if var(name) not in modules.pytz.all_timezones -%}
        {%- do errors.append("The var " ~ name ~ " is '" ~ var(name) ~ "'; it must be a name such as Europe/Berlin.") -%}
    {%- endfor -%}
    {%- if not modules.re.fullmatch('[A-Z]{3}', var('reporting_currency') | string) -%}
        {%- do errors.append("The var reporting_currency is '" ~ var('reporting_currency')
            ~ "'; it must be a code of three capital letters, such as EUR.") -%}
    {%- endif -%}
    {%- set days = var('rfm_window_days') -%}
    {%- if days is not none and (days is not integer or days < 1) -%}
        {%- do errors.append("The var rfm_window_days is '" ~ days ~ "'; it must be a number of days, or null.") -%}
    {%- endif -%}
    {%- if var('rfm_cutpoints') is not mapping and var('rfm_cutpoints') not in ['quantiles', 'frozen'] -%}
        {%- do errors.append("The var rfm_cutpoints is '" ~ var('rfm_cutpoints')
            ~ "'; it must be `quantiles`, `frozen`, or lists of numbers by metric.") -%}
    {%- endif -%}
    {%- for name in ['cluster_centroids', 'purchase_model'] if var(name) is not string and var(name) -%}
        {%- do errors.append("The var " ~ name ~ " is '" ~ var(name) ~ "'; it must be `fitted`, `frozen`, `off`, or the name of a seed.") -%}
    {%- endfor -%}
    {%- if var('learned_models') not in ['fitted', 'frozen', 'off', false] -%}
        {%- do errors.append("The var learned_models is '" ~ var('learned_models') ~ "'; it must be `fitted`, `frozen` or `off`.") -%}
    {%- endif -%}
    {%- set days = var('prediction_days') -%}
    {%- if days is not integer or days < 1 -%}
        {%- do errors.append("The var prediction_days is '" ~ days ~ "'; it must be a number of days.") -%}
    {%- endif -%}
    {%- for name, least in {'daily_slices': 1, 'smallest_cell': 0}.items() -%}
        {%- if var(name) is not integer or var(name) < least -%}
            {%- if name != 'daily_slices' or var(name) is not none -%}
                {%- do errors.append("The var " ~ name ~ " is '" ~ var(name) ~ "'; it must be a whole number from " ~ least
                    ~ (" on, or null." if name == 'daily_slices' else " on.")) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set limits = var('refused_share') -%}
    {%- if limits is not mapping or limits | list | sort != ['stops', 'warns'] or limits.warns is not number
        or limits.stops is not number or not 0 <= limits.warns <= limits.stops -%}
        {%- do errors.append("The var refused_share is '" ~ limits ~ "'; it must be two shares, such as {warns: 0.005, stops: 0.05}.") -%}
    {%- endif -%}
    {%- if var('discount_rate') is not number or not 0 <= var('discount_rate') < 10 -%}
        {%- do errors.append("The var discount_rate is '" ~ var('discount_rate') ~ "'; it must be a share, such as 0.1 for 10 %.") -%}
    {%- endif -%}
    {{ return(errors) }}
{% endmacro %}
