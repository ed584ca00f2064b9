{# One row per model version and as-of date. #}

select
    cast(model_name as varchar) as model_name,
    cast(model_version as varchar) as model_version,
    cast(as_of_date as date) as as_of_date,
    cast(n_scored as bigint) as n_scored,
    cast(expected_positives as double) as expected_positives,
    cast(expected_positives_lo as double) as expected_positives_lo,
    cast(expected_positives_hi as double) as expected_positives_hi,
    cast(prior_shift_log_odds as double) as prior_shift_log_odds,
    cast(prior_shift_sd as double) as prior_shift_sd,
    cast(n_periods as bigint) as n_periods,
    cast(season_known as boolean) as season_known,
    cast(backtest_z_rms as double) as backtest_z_rms,
    cast(backtest_windows as double) as backtest_windows,
    cast(observed_positives as bigint) as observed_positives

from {{ source('ml', 'prediction_totals') }}
