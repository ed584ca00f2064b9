"""The baseline: a shrunken rate per band of recency. Also the fallback."""

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

from assets.metrics.arrays import Floats, Ints

# Up to and including so many days since the last order; later is the last band, unknown its own.
BAND_ENDS = (7.0, 30.0, 90.0, 180.0, 365.0)
# The overall rate counts like this many customers of each band.
PRIOR_ROWS = 20.0


class RecencyBands(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What a marketer does without a model: the rate of those who ordered as recently, nothing else.

    Each band's rate is the mean of a Beta posterior whose prior is the overall rate worth 20 rows, so
    an empty band has the overall rate.
    """

    def __init__(self, column: str = "days_since_order", prior_rows: float = PRIOR_ROWS) -> None:
        self.column = column
        self.prior_rows = prior_rows

    def fit(self, X: pd.DataFrame, y: npt.NDArray[np.generic]) -> Self:  # noqa: N803 - scikit-learn's names
        """Count outcomes per band of ``X[column]`` (days); ``y`` (n,) is 0/1.

        Raises:
            ValueError: when there is no row.
        """
        if len(X) == 0:
            raise ValueError("no rows: a rate needs at least one")
        outcome = np.asarray(y, dtype=np.float64)
        bands = self._bands(X)
        size = len(BAND_ENDS) + 2
        happened, rows = np.bincount(bands, outcome, size), np.bincount(bands, minlength=size)
        overall = (outcome.sum() + 0.5) / (outcome.size + 1.0)
        self.rates_ = (happened + self.prior_rows * overall) / (rows + self.prior_rows)
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's names
        """The rates of the bands, as (n, 2): it does not happen, it happens."""
        rate = self.rates_[self._bands(X)]
        return np.column_stack([1 - rate, rate])

    def _bands(self, frame: pd.DataFrame) -> Ints:
        days = frame[self.column].to_numpy(dtype=np.float64, na_value=np.nan)
        found = np.searchsorted(np.asarray(BAND_ENDS), days, side="left")
        return np.where(np.isnan(days), len(BAND_ENDS) + 1, found).astype(np.int64)
