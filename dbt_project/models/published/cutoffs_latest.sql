{# One row per capability and cut-off. #}

with

newest as (

    select
        capability,
        max(as_of_date) as as_of_date

    from {{ ref('cutoffs') }}
    group by 1

)

select cutoffs.*

from {{ ref('cutoffs') }} as cutoffs
inner join newest on cutoffs.capability = newest.capability and cutoffs.as_of_date = newest.as_of_date
