"""Expected and observed totals of a scored cohort, and estimated metrics of its scores."""

from dataclasses import asdict
from datetime import date

import pandas as pd

from assets.keys import PREDICTION_TOTALS
from assets.lifecycle.capability import MetricKey
from assets.lifecycle.store.schemas import METRIC_TYPES, PREDICTION_TOTAL_TYPES, typed
from assets.metrics.arrays import Floats, Texts
from assets.metrics.classification import with_shift
from assets.metrics.performance_estimation import estimated_accuracy
from assets.ports import Warehouse
from assets.prior_shift.forecast import PriorShiftForecast, total_interval
from assets.supervised.problem import PredictionProblem


def totals_row(key: MetricKey, raw: Floats, forecast: PriorShiftForecast) -> pd.DataFrame:
    """The row of ``ml.prediction_totals`` of one scored date.

    Args:
        key: Version and date.
        raw: (n,) calibrated probabilities of the eligible, before the prior shift.
        forecast: The prior shift.
    """
    expected_positives_lo, expected_positives_hi = total_interval(raw, forecast)
    row = {
        "model_name": key.model_name,
        "model_version": key.model_version,
        "as_of_date": key.as_of_date,
        "n_scored": raw.size,
        "expected_positives": float(with_shift(raw, forecast.shift).sum()),
        "expected_positives_lo": expected_positives_lo,
        "expected_positives_hi": expected_positives_hi,
        "prior_shift_log_odds": forecast.shift,
        "prior_shift_sd": forecast.sd,
        "n_periods": forecast.n_periods,
        "season_known": forecast.has_season,
        "backtest_z_rms": forecast.backtest_z_rms,
        "backtest_windows": forecast.backtest_windows,
        "observed_positives": None,
    }
    return typed([row], PREDICTION_TOTAL_TYPES)


def estimated_rows(
    key: MetricKey, probability: Floats, customers: Texts, *, period_sd: float
) -> pd.DataFrame:
    """Metrics that scores will have if they are calibrated: an estimate, weeks before outcomes.

    Args:
        key: Version, split and date.
        probability: (n,) published probabilities of the eligible.
        customers: (n,) ids.
        period_sd: Standard deviation of the prior shift, in log-odds.
    """
    found = estimated_accuracy(probability, customers=customers, period_sd=period_sd)
    shared = {
        **asdict(key),
        "slice_name": "all",
        "slice_value": "all",
        "n": probability.size,
        "n_positive": None,
    }
    rows = [
        {**shared, "metric": name, "value": of.value, "ci_lo": of.lo, "ci_hi": of.hi}
        for name, of in found.items()
    ]
    return typed(rows, METRIC_TYPES)


def write_prediction_totals(
    problem: PredictionProblem, warehouse: Warehouse, row: pd.DataFrame, *, as_of: date
) -> None:
    """Write the totals of one as-of date, and fill in the outcomes that have matured by ``as_of``.

    Args:
        problem: The prediction problem.
        warehouse: Holds ``ml.prediction_totals``, scores and labels.
        row: Row (1, k) of :func:`totals_row`; no row (0, k) when nobody was scored.
        as_of: As-of date of the run.
    """
    where = "where model_name = $model and as_of_date = $as_of"
    day = {"model": problem.name, "as_of": as_of}
    with warehouse.connect() as connection:
        known = connection.execute(
            f"select observed_positives from {PREDICTION_TOTALS.sql} {where}", day
        ).fetchone()
        connection.execute(f"delete from {PREDICTION_TOTALS.sql} {where}", day)
    warehouse.append(PREDICTION_TOTALS, row if known is None else row.assign(observed_positives=known[0]))
    fill_observed(problem, warehouse, as_of=as_of)


def fill_observed(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date) -> None:
    """Fill in the observed positives of published dates that have matured by ``as_of``.

    Args:
        problem: The prediction problem.
        warehouse: Holds ``ml.prediction_totals``, scores and labels.
        as_of: As-of date of the run.
    """
    with warehouse.connect() as connection:
        connection.execute(
            f"""
            update {PREDICTION_TOTALS.sql} as totals set observed_positives = matured.outcomes
            from (
                select scores.as_of_date, sum(labels.outcome) as outcomes
                from {problem.scores.sql} as scores
                inner join {problem.label.sql} as labels using ({problem.entity_id}, as_of_date)
                where scores.as_of_date + {problem.horizon_days} <= $as_of and scores.is_eligible
                group by 1
            ) as matured
            where totals.as_of_date = matured.as_of_date and totals.model_name = $model
            """,
            {"as_of": as_of, "model": problem.name},
        )
