{# One row per model version. #}

select
    cast(model_name as varchar) as model_name,
    cast(model_version as varchar) as model_version,
    cast(stage as varchar) as stage,
    {{ with_time_zone('trained_at') }} as trained_at,
    cast(train_from as date) as train_from,
    cast(train_to as date) as train_to,
    cast(calibration_from as date) as calibration_from,
    cast(calibration_to as date) as calibration_to,
    cast(test_from as date) as test_from,
    cast(test_to as date) as test_to,
    cast(label_horizon_days as integer) as label_horizon_days,
    cast(n_rows as bigint) as n_rows,
    cast(n_positive as bigint) as n_positive,
    cast(n_negative as bigint) as n_negative,
    cast(features as varchar) as features,
    cast(params as varchar) as params,
    cast(seed as bigint) as seed,
    cast(code_hash as varchar) as code_hash,
    cast(spec_hash as varchar) as spec_hash,
    cast(data_hash as varchar) as data_hash,
    cast(model_sha256 as varchar) as model_sha256,
    cast(libraries as varchar) as libraries,
    cast(calibration_method as varchar) as calibration_method,
    cast(quality_grade as varchar) as quality_grade,
    cast(promoted_by as varchar) as promoted_by,
    cast(supersedes as varchar) as supersedes,
    cast(card_uri as varchar) as card_uri

from {{ source('ml', 'model_registry') }}
