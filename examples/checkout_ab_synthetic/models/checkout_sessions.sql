with

sessions as (

    select
        session_id,
        user_id,
        session_start_ts,
        device,
        channel,
        campaign_id,
        variant,
        is_new_user

    from
        read_csv(
            '{{ env_var("SEGMENTATION_DATA_PATH", "../../../shared/data") }}'
            || '/checkout_ab_synthetic/sessions.csv',
            header = true, all_varchar = true, delim = ',', quote = '"', escape = '"',
            comment = '', skip = 0
        )

)

select * from sessions
