{# One row per model version, as-of date, slice and feature. #}

select
    cast(model_name as varchar) as model_name,
    cast(model_version as varchar) as model_version,
    cast(as_of_date as date) as as_of_date,
    cast(slice_name as varchar) as slice_name,
    cast(slice_value as varchar) as slice_value,
    cast(feature as varchar) as feature,
    cast(kind as varchar) as kind,
    cast(n as bigint) as n,
    cast(n_reference as bigint) as n_reference,
    cast(psi as double) as psi,
    cast(psi_noise as double) as psi_noise,
    cast(js as double) as js,
    cast(wasserstein as double) as wasserstein,
    cast(missing_delta as double) as missing_delta,
    cast(unseen_share as double) as unseen_share,
    cast(verdict as varchar) as verdict,
    cast(windows_violated as bigint) as windows_violated,
    cast(windows_judged as bigint) as windows_judged

from {{ source('ml', 'drift') }}
