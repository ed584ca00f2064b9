"""BG/NBD's chance of an order within the horizon, read from columns of a feature frame."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

from assets.metrics.arrays import Floats, Ints
from assets.purchase_process.bg_nbd import BgNbd


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryColumns:
    """Feature columns that an order history is read from.

    Attributes:
        recency: Days since the last order.
        tenure: Days since the first order.
        orders: Orders so far.
    """

    recency: str
    tenure: str
    orders: str


class PurchaseChance(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The chance of an order, or of none, within ``horizon_days`` by BG/NBD; it reads three columns alone.

    The outcomes are not read: the model is the likelihood of the order histories themselves.

    Args:
        columns: Columns of the history: recency, tenure, orders.
        horizon_days: Length of the outcome window.
        is_absence: Whether the outcome is that nothing was ordered.

    Attributes:
        process_: The fitted :class:`BgNbd`.
    """

    def __init__(
        self,
        columns: tuple[str, str, str] = ("days_since_order", "tenure_days", "orders_lifetime"),
        horizon_days: int = 30,
        is_absence: bool = False,
    ) -> None:
        self.columns = columns
        self.horizon_days = horizon_days
        self.is_absence = is_absence

    def fit(self, X: pd.DataFrame, y: npt.NDArray[np.generic] | None = None) -> Self:  # noqa: N803, ARG002
        """Fit on one row per customer of ``X`` (n, k).

        Raises:
            InsufficientData: Customers or repeat buyers are too few, or all are equal.
        """
        self.process_ = BgNbd().fit(histories(X, self.columns))
        self.classes_: Ints = np.array([0, 1])
        return self

    def predict_proba(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's names
        """Probability of no outcome, and of the outcome, as (n, 2)."""
        chance = self.process_.order_probability(histories(X, self.columns), days=self.horizon_days)
        found = np.column_stack([1 - chance, chance])
        return found[:, ::-1] if self.is_absence else found


def histories(features: pd.DataFrame, columns: tuple[str, str, str]) -> Floats:
    """Order histories as BG/NBD reads them, (n, 3): repeat orders, days to the last one, days so far.

    Several orders of one day count as one at most, since there are no more repeat orders than days from the
    first order to the last. Every row becomes a possible history, also one whose recency was occluded for a
    reason code: an unknown number is 0, and the first order is at least as old as the last.

    Args:
        features: (n, k) rows.
        columns: Recency in days, tenure in days, number of orders.

    Bought 100 and 40 days ago; once, 40 days ago; four times on one day, 7 days ago:

    >>> rows = pd.DataFrame({"recency": [40, 40, 7], "tenure": [100, 40, 7], "orders": [2, 1, 4]})
    >>> histories(rows, ("recency", "tenure", "orders")).tolist()
    [[1.0, 60.0, 100.0], [0.0, 0.0, 40.0], [0.0, 0.0, 7.0]]
    """
    recency, tenure, orders = np.nan_to_num(features[list(columns)].to_numpy(dtype=np.float64)).T
    age = np.maximum(tenure, recency)
    repeats = np.minimum(np.maximum(orders - 1, 0), age - recency)
    return np.column_stack([repeats, np.where(repeats > 0, age - recency, 0), age])
