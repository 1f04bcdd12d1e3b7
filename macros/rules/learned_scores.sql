{# What rules may name of that which is learned, and within which bounds it lies. #}
{% macro learned_scores() %}
    {{ return({
        'cluster_number': {'kind': 'integer', 'low': 1, 'high': 10},
        'expected_order_count_30d': {'kind': 'decimal', 'low': 0, 'high': none},
        'expected_order_count_90d': {'kind': 'decimal', 'low': 0, 'high': none},
        'expected_order_count_365d': {'kind': 'decimal', 'low': 0, 'high': none},
        'expected_order_amount': {'kind': 'decimal', 'low': 0, 'high': none},
        'predicted_amount_365d': {'kind': 'decimal', 'low': 0, 'high': none},
        'predicted_share_above': {'kind': 'decimal', 'low': 0, 'high': 1},
        'churn_probability': {'kind': 'decimal', 'low': 0, 'high': 1},
        'expected_days_to_next_order': {'kind': 'integer', 'low': 0, 'high': none},
    }) }}
{% endmacro %}
