"""The ranker: a blend of the log-odds of models of different kinds."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin

from assets.features.matrix import Matrix
from assets.metrics.arrays import Floats, Ints
from assets.metrics.calibration import recalibrated
from assets.metrics.classification import log_losses, log_odds

CHUNK_ROWS = 20_000
# Weights are multiples of a quarter, or equal: finer ones follow the noise of a few dates.
PARTS = 4


class LogOddsBlend(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Weighted mean of the log-odds of fitted classifiers; of a single one, its own log-odds.

    Trees, smooth curves and a model of order histories err on different customers, so that their mean ranks
    better than any of them.

    Args:
        members: Fitted models with ``predict_proba``, by name.
        weights: By name, adding up to 1; a member of weight 0 is not asked.
    """

    def __init__(self, members: Mapping[str, Any], weights: Mapping[str, float]) -> None:
        self.members = members
        self.weights = weights

    def __sklearn_is_fitted__(self) -> bool:
        return len(self.members) > 0

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:  # noqa: N803 - scikit-learn's names
        """Keep the fitted members as they are, whatever ``X`` (n, k) and ``y`` (n,) are; calibrators ask."""
        del X, y
        return self

    @property
    def classes_(self) -> Ints:
        """The two outcomes."""
        return np.array([0, 1])

    def decision_function(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's names
        """Blended log-odds of ``X`` (n, k), as (n,), in chunks: a row of splines has hundreds of columns."""
        chunks = [X.iloc[start : start + CHUNK_ROWS] for start in range(0, len(X), CHUNK_ROWS)]
        return np.concatenate([self._blended(chunk) for chunk in chunks])

    def predict_proba(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's names
        """Probability of no outcome, and of the outcome, as (n, 2)."""
        probability = expit(self.decision_function(X))
        return np.column_stack([1 - probability, probability])

    def predict(self, X: pd.DataFrame) -> Ints:  # noqa: N803 - scikit-learn's names
        """The more probable outcome of each row, as (n,); the calibrator demands the method."""
        return (self.decision_function(X) > 0).astype(np.int64)

    def _blended(self, rows: pd.DataFrame) -> Floats:
        return np.asarray(
            sum(
                weight * log_odds(self.members[name].predict_proba(rows)[:, 1])
                for name, weight in self.weights.items()
                if weight > 0
            ),
            dtype=np.float64,
        )


def validated_weights(members: Mapping[str, Any], validation: Matrix) -> dict[str, float]:
    """Weights of fitted members with the lowest log loss on dates that none of them has seen.

    The loss is that after each date's mean probability was moved to its rate, as the gate compares it.

    Args:
        members: Fitted models with ``predict_proba``, by name.
        validation: Rows (n, k) of later as-of dates.
    """
    odds = np.column_stack(
        [log_odds(each.predict_proba(validation.features)[:, 1]) for each in members.values()]
    )
    day: Ints = pd.factorize(validation.as_of)[0].astype(np.int64)

    def loss(shares: tuple[float, ...]) -> float:
        moved = recalibrated(validation.outcome, expit(odds @ np.asarray(shares)), day)
        return float(log_losses(validation.outcome, moved).mean())

    best: tuple[float, ...] = min(_shares(len(members)), key=loss)
    return dict(zip(members, best, strict=True))


def _shares(size: int) -> Iterator[tuple[float, ...]]:
    """Weights of ``size`` members to choose from; equal ones first, which win ties.

    >>> list(_shares(2))
    [(0.5, 0.5), (0.0, 1.0), (0.25, 0.75), (0.5, 0.5), (0.75, 0.25), (1.0, 0.0)]
    """
    yield (1 / size,) * size
    for parts in product(range(PARTS + 1), repeat=size):
        if sum(parts) == PARTS:
            yield tuple(part / PARTS for part in parts)
