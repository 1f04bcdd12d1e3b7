with

users as (

    select
        user_id,
        signup_date,
        city_tier,
        segment,
        preferred_device

    from
        read_csv(
            '{{ env_var("SEGMENTATION_DATA_PATH", "../../../shared/data") }}'
            || '/checkout_ab_synthetic/users.csv',
            header = true, all_varchar = true, delim = ',', quote = '"', escape = '"',
            comment = '', skip = 0
        )

)

select * from users
