{# One row per audience, as-of date, destination and time. #}

select
    cast(audience as varchar) as audience,
    cast(as_of_date as date) as as_of_date,
    cast(destination as varchar) as destination,
    {{ with_time_zone('sent_at') }} as sent_at,
    cast(dry_run as boolean) as dry_run,
    cast(audience_candidates as bigint) as audience_candidates,
    cast(no_consent as bigint) as no_consent,
    cast(held_out as bigint) as held_out,
    cast(over_cap as bigint) as over_cap,
    cast(without_identifier as bigint) as without_identifier,
    cast(written as bigint) as written,
    cast(file_name as varchar) as file_name,
    cast(file_sha256 as varchar) as file_sha256

from {{ source('ml', 'audience_exports') }}
