with

raw_erasure_requests as (

    {{ raw_versions(
        'erasure_requests',
        key='lower(customer_id_hash)',
        latest_by=['requested_at']
    ) }}

),

-- An unreadable day becomes null: the request stands.
typed as (

    select
        lower({{ clean_text('customer_id_hash') }}) as customer_id_hash,
        {{ cast_or_null('requested_at', 'timestamp') }} as requested_at,
        version_issue

    from raw_erasure_requests

),

judged as (

    select
        customer_id_hash,
        requested_at,

        case
            when customer_id_hash is null then 'missing_key'
            when version_issue is not null then version_issue
            -- Of an MD5, nothing is left without its digits.
            when
                length(customer_id_hash) <> 32
                or translate(customer_id_hash, '0123456789abcdef', '') <> ''
                then 'unparsable_value'
        end as quarantine_reason

    from typed

)

select * from judged
