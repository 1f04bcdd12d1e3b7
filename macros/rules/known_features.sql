{# By grain and name, what the contracts say of the columns that rules may name. #}
{% macro known_features() %}
    {%- set found = {'customer': {}, 'company': {}, 'rfm': {}} -%}
    {%- for model, grain in [('customer_features', 'customer'), ('company_features', 'company'), ('customer_rfm_scores', 'rfm')] -%}
        {%- set node = graph.nodes.get('model.customer_segmentation.' ~ model) or {} -%}
        {%- for column in node.get('columns', {}).values() -%}
            {%- set is_score = column.name in ('r_score', 'f_score', 'm_score') -%}
            {%- set is_share = column.name.endswith('_share') or column.name == 'revenue_share_above' -%}
            {%- set is_counted = modules.re.search('_count(_[0-9]+d)?$|^days_since_|^order_count|^session_count', column.name) -%}
            {%- if grain != 'rfm' or is_score or column.name in ('rfm_cell', 'revenue_share_above') -%}
                {%- do found[grain].update({column.name: {
                    'kind': {'bigint': 'integer', 'integer': 'integer', 'varchar': 'text'}.get(column.data_type)
                        or modules.re.match('[a-z]*', column.data_type).group(),
                    'low': 1 if is_score else 0 if is_share or is_counted else none,
                    'high': rfm_map().score_count if is_score else 1 if is_share else none,
                    'is_required': 'not_null' in column.constraints | map(attribute='type') | map('string') | list
                }}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if grain != 'rfm' -%}
            {%- for name, last in {'as_of_month': 12, 'as_of_weekday': 7}.items() -%}
                {%- do found[grain].update({name: {'kind': 'integer', 'low': 1, 'high': last, 'is_required': true}}) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do found.customer.update(found.rfm) -%}
    {%- for name, feature in learned_scores().items() -%}
        {%- do found.customer.update({name: dict(feature, is_required=false)}) -%}
    {%- endfor -%}
    {#- A scheme of both may name what both have. -#}
    {%- set both = {} -%}
    {%- for name, feature in found.company.items() if name in found.customer -%}
        {%- do both.update({name: dict(feature, is_required=feature.is_required and found.customer[name].is_required)}) -%}
    {%- endfor -%}
    {%- do found.update({'both': both}) -%}
    {{ return(found) }}
{% endmacro %}
