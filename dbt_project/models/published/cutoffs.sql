{# One row per capability, as-of date and cut-off. #}

with

cohort as (

    select * from {{ source('ml', 'cohort_cutoffs') }}

),

measured as (

    select * from {{ source('ml', 'cutoffs') }}

),

joined as (

    select
        cohort.*,
        measured.*,
        cohort.model_name as capability

    from cohort
    left join measured
        on cohort.model_name = measured.model_name
        and cohort.model_version = measured.model_version
        and cohort.cut = measured.cut

)

{{ score_history('joined') }}
