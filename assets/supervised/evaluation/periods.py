"""One model over all as-of days: what it expected of each, and the level that each morning forecast.

The level follows orders. Where an outcome says that nothing was ordered, its history is that of the opposite
outcome, and the forecast is turned round again: the log-odds of ``1 - p`` are those of ``p``, sign changed.
"""

from datetime import date

import numpy as np

from assets.features.matrix import Matrix
from assets.metrics.arrays import Floats
from assets.metrics.classification import intercept_shift, with_shift
from assets.prior_shift.covariates import PeriodHistory
from assets.prior_shift.forecast import PriorShiftForecast, forecast_prior_shift
from assets.supervised.data.dataset import TrainingData
from assets.supervised.fitting.train import Fitted


def period_history(fitted: Fitted, rows: TrainingData, *, horizon_days: int) -> PeriodHistory:
    """Expected and realised rate of ordering on each as-of day that ``rows`` knows, by ``fitted``.

    A model expects too much of the very days it was fitted on only if it can tell days apart; a ranker
    without calendar features cannot, so its errors there are period effects like any other day's.
    """
    probability = fitted.probability(rows.everyone.features)
    days = np.unique(rows.everyone.as_of)
    expected, shift = np.empty(days.size), np.full(days.size, np.nan)
    for position, day in enumerate(days):
        here = rows.everyone.as_of == day
        expected[position] = probability[here].mean()
        if day + np.timedelta64(horizon_days, "D") <= np.datetime64(rows.as_of, "D"):
            shift[position] = intercept_shift(probability[here], float(np.nanmean(rows.outcome[here])))
    customers = np.asarray([rows.customers[day] for day in days.tolist()], dtype=np.float64)
    if rows.label_is_absence_of_order:
        expected, shift = 1 - expected, -shift
    return PeriodHistory(as_of_date=days, customers=customers, expected=expected, shift=shift)


def forecast_on(
    history: PeriodHistory, rows: TrainingData, *, day: date, horizon_days: int
) -> PriorShiftForecast:
    """The level of the outcome on ``day`` as that morning would have forecast it."""
    level = forecast_prior_shift(history, rows.daily, as_of=day, horizon_days=horizon_days)
    return level.reversed if rows.label_is_absence_of_order else level


def published_probability(fitted: Fitted, judged: Matrix, *, rows: TrainingData, horizon_days: int) -> Floats:
    """The probabilities of ``judged`` as they would have been published, level step included.

    Args:
        fitted: The model.
        judged: Rows of as-of days that ``rows`` knows.
        rows: What the judging morning knew; each day's level is forecast from what that day knew of it.
        horizon_days: Length of the outcome window.

    Returns:
        (n,) probabilities.
    """
    history = period_history(fitted, rows, horizon_days=horizon_days)
    probability = fitted.probability(judged.features)
    for day in np.unique(judged.as_of):
        here = judged.as_of == day
        level = forecast_on(history, rows, day=day.tolist(), horizon_days=horizon_days)
        probability[here] = with_shift(probability[here], level.shift)
    return probability
