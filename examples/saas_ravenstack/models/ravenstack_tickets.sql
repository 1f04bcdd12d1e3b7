with

tickets as (

    select * from {{ ravenstack_file('supports_ticket') }}

),

renamed as (

    select
        ticket_id,
        account_id,
        {{ day_first('submitted_at') }} as submitted_at,
        satisfaction_score,
        {{ customer_segmentation.ratio(
            'cast(first_response_time_minutes as integer)', 60, digits=2
        ) }}
            as wait_hours,
        strptime(closed_at, '%d-%m-%Y %H:%M') as closed_at

    from tickets

)

select * from renamed
