{# Data: they stand in models/marts/segment_scorecard_bounds.yml. #}
{% macro scorecard_bounds() %}
    {{ return(customer_segmentation.scorecard_bounds.macro.config.meta) }}
{% endmacro %}
