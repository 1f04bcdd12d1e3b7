{%- set folder = env_var('SEGMENTATION_DATA_PATH', '../../../shared/data') ~ '/cdnow/' -%}

with

lines as (

    select trim(line) as line

    from read_csv(
        {{ dbt.string_literal(dbt.escape_single_quotes(folder ~ 'CDNOW_sample.txt')) }},
        header = false, columns = {'line': 'varchar'}, delim = '|', quote = '', escape = '', comment = '', skip = 0
    )

),

split as (

    select
        line,
        regexp_split_to_array(line, ' +') as fields

    from lines

),

purchases as (

    select
        -- Equal lines are equal purchases: whichever comes first.
        row_number() over (order by line asc) as purchase_id,
        fields[2] as customer_number,
        strptime(fields[3], '%Y%m%d') as purchased_at,
        fields[4] as disc_count,
        fields[5] as paid_amount

    from split

)

select * from purchases
