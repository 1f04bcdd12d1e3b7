-- The order of the rules is the order of the positions:
-- one that is missing or given twice is a rule that is tried out of turn.

select scheme

from {{ ref('segment_definitions') }}

group by scheme

having
    count(distinct position) <> count(*)
    or min(position) <> 1
    or max(position) <> count(*)
