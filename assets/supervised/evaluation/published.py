"""Probabilities as they would have been published: calibrated, with the prior shift of their date.

The prior shift follows orders. Where an outcome says that nothing was ordered, its history is that of the
opposite outcome, and the forecast is reversed: the log-odds of ``1 - p`` are those of ``p``, sign changed.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from assets.features.matrix import Matrix
from assets.metrics.arrays import Floats
from assets.metrics.classification import intercept_shift, with_shift
from assets.prior_shift.covariates import PeriodHistory
from assets.prior_shift.forecast import PriorShiftForecast, forecast_prior_shift
from assets.supervised.data.dataset import TrainingData
from assets.supervised.fitting.train import Fitted


def period_history(fitted: Fitted, data: TrainingData, *, horizon_days: int) -> PeriodHistory:
    """Expected and observed rate of ordering on each as-of date that ``data`` knows, by ``fitted``.

    A model expects too much of the very dates it was fitted on only if it can tell dates apart; a ranker
    without calendar features cannot, so its errors there are period effects like any other date's.

    Args:
        fitted: The model.
        data: Training data.
        horizon_days: Length of the outcome window.
    """
    probability = fitted.probability(data.sample.features)
    days = np.unique(data.sample.as_of)
    expected, shift = np.empty(days.size), np.full(days.size, np.nan)
    for position, day in enumerate(days):
        here = data.sample.as_of == day
        expected[position] = probability[here].mean()
        if day + np.timedelta64(horizon_days, "D") <= np.datetime64(data.as_of, "D"):
            shift[position] = intercept_shift(probability[here], float(np.nanmean(data.outcome[here])))
    cohort_size = np.asarray([data.cohort_size[day] for day in days.tolist()], dtype=np.float64)
    if data.label_is_absence_of_order:
        expected, shift = 1 - expected, -shift
    return PeriodHistory(as_of_date=days, customers=cohort_size, expected=expected, shift=shift)


def forecast_shift(
    history: PeriodHistory, data: TrainingData, *, day: date, horizon_days: int
) -> PriorShiftForecast:
    """The prior shift of the outcome on ``day`` as it would have been forecast then.

    Args:
        history: Of one model.
        data: Training data; its daily orders up to ``day`` are used.
        day: As-of date of the forecast.
        horizon_days: Length of the outcome window.
    """
    found = forecast_prior_shift(history, data.daily, as_of=day, horizon_days=horizon_days)
    return found.reversed if data.label_is_absence_of_order else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What would have been published of n rows.

    Attributes:
        probability: (n,) prior shift included.
        shift_sd: (n,) standard deviation of the prior shift as stated on each row's date, in log-odds.
    """

    probability: Floats
    shift_sd: Floats


def published_probability(
    fitted: Fitted, rows: Matrix, *, data: TrainingData, horizon_days: int
) -> Published:
    """The probabilities of ``rows`` as they would have been published, prior shift included.

    Args:
        fitted: The model.
        rows: Rows of as-of dates that ``data`` knows.
        data: Training data; each date's shift is forecast from what was known on that date.
        horizon_days: Length of the outcome window.
    """
    history = period_history(fitted, data, horizon_days=horizon_days)
    probability, shift_sd = fitted.probability(rows.features), np.empty(len(rows))
    for day in np.unique(rows.as_of):
        here = rows.as_of == day
        forecast = forecast_shift(history, data, day=day.tolist(), horizon_days=horizon_days)
        probability[here], shift_sd[here] = with_shift(probability[here], forecast.shift), forecast.sd
    return Published(probability=probability, shift_sd=shift_sd)
