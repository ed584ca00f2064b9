"""Candidate models: orders by BG/NBD, amounts by one of two amount models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from assets.lifetime_value.dataset import AmountTrainingData
from assets.lifetime_value.models.bg_nbd import HORIZONS_DAYS
from assets.lifetime_value.models.clv import COLUMNS, INTERVAL_COVERAGE, LifetimeValue
from assets.lifetime_value.models.predictive import SMALLEST
from assets.lifetime_value.models.purchase_history import HISTORY
from assets.lifetime_value.models.two_part import TwoPartAmounts
from assets.metrics.arrays import Floats
from assets.supervised.data.split import calibration_split

AmountModelName = Literal["bg_nbd", "two_part"]
AMOUNT_MODELS: dict[AmountModelName, str] = {
    "bg_nbd": "BG/NBD and Gamma-Gamma",
    "two_part": "machine-learned amounts",
}

NEXT_ORDER_CHANCES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuePrediction:
    """Predictions for n customers and h horizons; ``nan`` where a model has none.

    Attributes:
        value: (n, h) mean amount, in shop currency.
        value_lo: (n, h) lower end of the interval, at most the mean.
        value_hi: (n, h) upper end, at least the mean.
        orders: (n, h) mean days with an order.
        alive: (n,) chance of still being a customer.
        next_order_days: (n, 3) days to the next order at ``NEXT_ORDER_CHANCES``, given alive.
        silence: (n,) chance that one who is alive orders nothing for so long.
    """

    value: Floats
    value_lo: Floats
    value_hi: Floats
    orders: Floats
    alive: Floats
    next_order_days: Floats
    silence: Floats


class CustomerValue(BaseEstimator):  # type: ignore[misc]
    """Orders by BG/NBD; amounts by Gamma-Gamma, or learned from features for one horizon.

    The learned amounts are for ``learned_days``. They are carried over to another horizon by the ratio of
    BG/NBD's expectation there to that for ``learned_days``: so the longer horizon is never worth less, and
    365 days need no second year of outcomes. Wrong where a season lies in one horizon and not in the other.

    Args:
        amount_model: How the amounts are predicted.
        horizons_days: Horizons of one pass.
        learned_days: The horizon that amounts are learned for.
        interval_coverage: Probability that an interval should hold.

    Attributes:
        value_: The fitted :class:`LifetimeValue`.
        amounts_: The fitted :class:`TwoPartAmounts`, ``None`` with amount model ``bg_nbd``.
    """

    def __init__(
        self,
        *,
        amount_model: AmountModelName = "bg_nbd",
        horizons_days: Sequence[int] = HORIZONS_DAYS,
        learned_days: int = 90,
        interval_coverage: float = INTERVAL_COVERAGE,
    ) -> None:
        self.amount_model = amount_model
        self.horizons_days = horizons_days
        self.learned_days = learned_days
        self.interval_coverage = interval_coverage

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Fit orders and Gamma-Gamma amounts on the customers ``X`` (n, k) of an as-of date.

        Raises:
            InsufficientData: when there are too few customers or repeat buyers.
            NoHeterogeneity: when customers do not differ.
            AmountsTooSpread: when the mean order would be infinite.
        """
        self.value_ = LifetimeValue(
            horizons_days=self.horizons_days, interval_coverage=self.interval_coverage
        ).fit(X[list(COLUMNS)])
        self.amounts_: TwoPartAmounts | None = None
        return self

    def fit_amounts(self, training: AmountTrainingData, *, amounts: TwoPartAmounts) -> Self:
        """Fit ``amounts`` on the older as-of dates of ``training`` and calibrate it on the newest ones.

        Raises:
            TooLittleHistory: when as-of dates are too few for both.
            InsufficientData: when purchases are too few.
        """
        train, calibration = calibration_split(training.days, horizon_days=self.learned_days)
        older, newer = (fold.rows(training.known.as_of) for fold in (train, calibration))
        rows = training.known.features
        amounts.fit(rows.loc[older], training.amount[older])
        self.amounts_ = amounts.calibrate(rows.loc[newer], training.amount[newer])
        return self

    def predict(self, X: pd.DataFrame) -> ValuePrediction:  # noqa: N803 - scikit-learn's name
        """Means and intervals of customers ``X`` (n, k), for every horizon in one pass.

        An interval that ends below the mean (nine of ten order nothing, the tenth much) is widened to it,
        so it holds at least ``interval_coverage``.
        """
        forecast = self.value_.forecast(X[list(COLUMNS)])
        value, lo, hi = forecast.expected_revenue, forecast.revenue_lo, forecast.revenue_hi
        if self.amounts_ is not None:
            value, lo, hi = self._learned(X, self.amounts_, ends=(value, lo, hi))
        buying, rows = self.value_.purchases_, X[list(HISTORY)]
        return ValuePrediction(
            value=value,
            value_lo=np.minimum(lo, value),
            value_hi=np.maximum(hi, value),
            orders=forecast.expected_purchases,
            alive=forecast.probability_alive,
            next_order_days=buying.next_order_days(rows, NEXT_ORDER_CHANCES),
            silence=buying.silence_probability(rows),
        )

    def _learned(
        self,
        X: pd.DataFrame,  # noqa: N803 - scikit-learn's name
        amounts: TwoPartAmounts,
        *,
        ends: tuple[Floats, Floats, Floats],
    ) -> tuple[Floats, Floats, Floats]:
        """The learned amounts and their interval, carried over to every horizon by BG/NBD's ``ends``."""
        here = list(self.horizons_days).index(self.learned_days)
        base = ends[0][:, [here]]
        # Customers who have almost surely left have no shape over time: as much per day in every horizon.
        per_day = np.tile(np.asarray(self.horizons_days) / self.learned_days, (len(base), 1))
        shapes = [np.divide(each, base, out=per_day.copy(), where=base > SMALLEST) for each in ends]
        value, lo, hi = (shape * amounts.expected_revenue(X)[:, None] for shape in shapes)
        lo[:, here], hi[:, here] = amounts.revenue_interval(X)
        return value, lo, hi
