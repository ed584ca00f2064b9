"""The baseline: average spend per day, times the days ahead, for customers who ordered recently."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from assets.lifetime_value.models.candidates import ValuePrediction
from assets.metrics.amounts import GONE_AFTER_DAYS, spend_rate_forecast
from assets.metrics.arrays import Floats
from assets.purchase_process.bg_nbd import HORIZONS_DAYS


class SpendRate(BaseEstimator):  # type: ignore[misc]
    """A spreadsheet's formula, :func:`spend_rate_forecast`; nothing is learned, and there are no intervals.

    Args:
        horizons_days: Horizons of one pass.
        gone_after_days: Customers without an order for longer are expected to spend nothing.
    """

    def __init__(
        self,
        *,
        horizons_days: Sequence[int] = HORIZONS_DAYS,
        gone_after_days: float = GONE_AFTER_DAYS,
    ) -> None:
        self.horizons_days = horizons_days
        self.gone_after_days = gone_after_days

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Nothing is learned from ``X`` (n, k)."""
        return self

    def expected_revenue(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """Amounts of customers ``X`` (n, k) by the formula, as (n, horizons)."""
        return spend_rate_forecast(
            X["net_amount_365d"].to_numpy(),
            tenure_days=X["tenure_days"].to_numpy(),
            days_since_order=X["days_since_order"].to_numpy(),
            horizons_days=self.horizons_days,
            gone_after_days=self.gone_after_days,
        )

    def predict(self, X: pd.DataFrame) -> ValuePrediction:  # noqa: N803 - scikit-learn's name
        """The formula's amounts for customers ``X`` (n, k); ``nan`` in everything else."""
        value = self.expected_revenue(X)
        unknown, nothing = np.full(value.shape, np.nan), np.full(len(value), np.nan)
        return ValuePrediction(
            value=value,
            value_lo=unknown,
            value_hi=unknown,
            value_above=unknown,
            orders=unknown,
            order_amount=unknown,
            alive=nothing,
            next_order_days=np.full((len(value), 3), np.nan),
            silence=nothing,
        )
