"""The training window of a champion as drift is measured against it."""

from datetime import timedelta

import numpy as np

from assets.features.matrix import Matrix
from assets.metrics.arrays import Floats
from assets.metrics.drift.reference import DriftReference, reference_of
from assets.metrics.drift.sample import DriftSample
from assets.supervised.data.dataset import TrainingData
from assets.supervised.evaluation.slices import slice_values
from assets.supervised.fitting.train import Fitted
from assets.supervised.problem import PredictionProblem

# One year of seasons and no more: the first months of a business, unlike any later week, widen every band.
WINDOW = timedelta(weeks=53)


def drift_reference(problem: PredictionProblem, fitted: Fitted, *, data: TrainingData) -> DriftReference:
    """Summarise the year before ``data.as_of``.

    The score is that of the rows whose outcome was not known yet: those the model was not fitted on.

    Args:
        problem: The prediction problem.
        fitted: The model.
        data: Its training data.
    """
    recent = data.sample.as_of > np.datetime64(data.as_of - WINDOW, "D")
    window, unseen = data.sample.of(recent), np.isnan(data.outcome[recent])
    score = np.full(len(window), np.nan)
    score[unseen] = fitted.probability(window.features.loc[unseen])
    return reference_of(drift_sample(problem, window, score=score))


def drift_sample(problem: PredictionProblem, rows: Matrix, *, score: Floats) -> DriftSample:
    """Rows as drift is measured in them, slice by slice.

    Args:
        problem: The prediction problem.
        rows: Features of entities on as-of dates.
        score: (n,) probabilities without the prior shift; ``nan`` where unknown.
    """
    return DriftSample(
        features=rows.features,
        score=score,
        customers=rows.entities,
        as_of=rows.as_of,
        slices=slice_values(rows.features, problem.slices),
    )
