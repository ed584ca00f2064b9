"""Expected and observed totals of a scored cohort: ``ml.levels``."""

from datetime import date

import pandas as pd

from assets.keys import LEVELS
from assets.lifecycle.capability import MetricKey
from assets.lifecycle.store.schemas import LEVEL_TYPES, typed
from assets.metrics.arrays import Floats
from assets.metrics.classification import with_shift
from assets.ports import Warehouse
from assets.prior_shift.forecast import PriorShiftForecast, total_interval
from assets.supervised.problem import PredictionProblem


def totals_row(key: MetricKey, raw: Floats, forecast: PriorShiftForecast) -> pd.DataFrame:
    """The row of ``ml.levels`` of one scored date.

    Args:
        key: Version and date.
        raw: (n,) calibrated probabilities of the eligible, before the prior shift.
        forecast: The prior shift.
    """
    total_lo, total_hi = total_interval(raw, forecast)
    row = {
        "model_name": key.model_name,
        "model_version": key.model_version,
        "as_of_date": key.as_of_date,
        "customers": raw.size,
        "sum_probability": float(with_shift(raw, forecast.shift).sum()),
        "total_lo": total_lo,
        "total_hi": total_hi,
        "level_shift": forecast.shift,
        "level_sd": forecast.sd,
        "n_periods": forecast.n_periods,
        "realised": None,
    }
    return typed([row], LEVEL_TYPES)


def write_prediction_totals(
    problem: PredictionProblem, warehouse: Warehouse, row: pd.DataFrame, *, as_of: date
) -> None:
    """Write the totals of one as-of date, and fill in the outcomes that have matured by ``as_of``.

    Args:
        problem: The prediction problem.
        warehouse: Holds ``ml.levels``, scores and labels.
        row: Row (1, k) of :func:`totals_row`.
        as_of: As-of date of the run.
    """
    where = "where model_name = $model and as_of_date = $as_of"
    day = {"model": problem.name, "as_of": row["as_of_date"].iloc[0]}
    with warehouse.connect() as connection:
        known = connection.execute(f"select realised from {LEVELS.sql} {where}", day).fetchone()
        connection.execute(f"delete from {LEVELS.sql} {where}", day)
    warehouse.append(LEVELS, row if known is None else row.assign(realised=known[0]))
    fill_observed(problem, warehouse, as_of=as_of)


def fill_observed(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date) -> None:
    """Fill in the observed positives of published dates that have matured by ``as_of``.

    Args:
        problem: The prediction problem.
        warehouse: Holds ``ml.levels``, scores and labels.
        as_of: As-of date of the run.
    """
    with warehouse.connect() as connection:
        connection.execute(
            f"""
            update {LEVELS.sql} as levels set realised = matured.outcomes
            from (
                select scores.as_of_date, sum(labels.outcome) as outcomes
                from {problem.scores.sql} as scores
                inner join {problem.label.sql} as labels using ({problem.entity_id}, as_of_date)
                where scores.as_of_date + {problem.horizon_days} <= $as_of and scores.is_eligible
                group by 1
            ) as matured
            where levels.as_of_date = matured.as_of_date and levels.model_name = $model
            """,
            {"as_of": as_of, "model": problem.name},
        )
