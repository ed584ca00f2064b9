"""Candidate models: orders and amounts by BG/NBD and Gamma-Gamma, by boosting, or by a blend of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from assets.lifetime_value.models.clv import COLUMNS, INTERVAL_COVERAGE, LifetimeValue
from assets.lifetime_value.models.learned_shape import LearnedShape
from assets.lifetime_value.models.predictive import SMALLEST
from assets.metrics.arrays import Floats
from assets.purchase_process.bg_nbd import HORIZONS_DAYS
from assets.purchase_process.purchase_history import FREQUENCY, HISTORY

AmountModelName = Literal["bg_nbd", "boosting", "blend"]
AMOUNT_MODELS: dict[AmountModelName, str] = {
    "bg_nbd": "BG/NBD and Gamma-Gamma",
    "boosting": "Poisson boosting on levelled windows",
    "blend": "the geometric mean of BG/NBD and boosting",
}

NEXT_ORDER_CHANCES = (0.1, 0.5, 0.9)
# The geometric mean of two forecasts that err apart differs too little between customers. Chosen on Online
# Retail: 1.05 to 1.1 has the least deviance of orders and of amounts there.
SHARPENING = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizonLevel:
    """Level of one horizon on one as-of date.

    Attributes:
        horizon_days: Length of the window.
        effective_days: Days at the model's mean intensity in which as many orders are expected.
        sd: Standard deviation of the logarithm of the window's total.
        log_amount: Logarithm of observed over predicted amount per order.
        has_season: Whether a year was known; otherwise ``effective_days`` is ``horizon_days``.
    """

    horizon_days: int
    effective_days: float
    sd: float
    log_amount: float = 0.0
    has_season: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuePrediction:
    """Predictions for n customers and h horizons; ``nan`` where a model has none.

    Attributes:
        value: (n, h) mean amount, in shop currency.
        value_lo: (n, h) lower end of the interval, at most the mean.
        value_hi: (n, h) upper end, at least the mean.
        value_above: (n, h) chance of more than the upper end, as the interval promises.
        orders: (n, h) mean days with an order.
        order_amount: (n, h) mean amount of an order.
        alive: (n,) chance of still being a customer.
        next_order_days: (n, 3) days to the next order at ``NEXT_ORDER_CHANCES``, given alive.
        silence: (n,) chance that one who is alive orders nothing for so long.
    """

    value: Floats
    value_lo: Floats
    value_hi: Floats
    value_above: Floats
    orders: Floats
    order_amount: Floats
    alive: Floats
    next_order_days: Floats
    silence: Floats


class CustomerValue(BaseEstimator):  # type: ignore[misc]
    """Orders by BG/NBD, amounts by Gamma-Gamma, and how customers differ from that by boosting.

    The learned ratios are those of one horizon and serve all: so the longer horizon is never worth less, and
    365 days need no second year of outcomes. Their totals are those of BG/NBD and Gamma-Gamma; the level of
    the shop comes from :class:`HorizonLevel`. Wrong where some customers buy in other seasons than the rest.

    Args:
        amount_model: How the amounts are predicted.
        horizons_days: Horizons of one pass.
        learned_days: The horizon whose outcomes are learned from.
        interval_coverage: Probability that an interval should hold.
        verdicts: By horizon, as text, status, grade and reason of its backtest; stored, not used here.

    Attributes:
        value_: The fitted :class:`LifetimeValue`.
        shape_: The fitted :class:`LearnedShape`, ``None`` with amount model ``bg_nbd``.
        scales_: Factors that keep the totals of orders and amounts of the customers fitted on.
    """

    def __init__(
        self,
        *,
        amount_model: AmountModelName = "bg_nbd",
        horizons_days: Sequence[int] = HORIZONS_DAYS,
        learned_days: int = 90,
        interval_coverage: float = INTERVAL_COVERAGE,
        verdicts: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.amount_model = amount_model
        self.horizons_days = horizons_days
        self.learned_days = learned_days
        self.interval_coverage = interval_coverage
        self.verdicts = verdicts

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
        self.shape_: LearnedShape | None = None
        return self

    def with_shape(
        self,
        shape: LearnedShape,
        X: pd.DataFrame,  # noqa: N803 - scikit-learn's name
        *,
        amount_model: AmountModelName,
    ) -> "CustomerValue":
        """The same fit with a learned shape, scaled to the totals of the customers fitted on.

        Args:
            shape: Fitted.
            X: Customers (n, k) that this was fitted on.
            amount_model: How the shape is used.
        """
        found = CustomerValue(**self.get_params() | {"amount_model": amount_model})
        found.value_, found.shape_, found.scales_ = self.value_, shape, (1.0, 1.0)
        base = self._base(X)
        found.scales_ = tuple(
            float(each.sum() / (each * ratio).sum())
            for each, ratio in zip(base, found.ratios(X), strict=True)
        )
        return found

    def predict(
        self,
        X: pd.DataFrame,  # noqa: N803 - scikit-learn's name
        levels: Sequence[HorizonLevel] | None = None,
    ) -> ValuePrediction:
        """Means and intervals of customers ``X`` (n, k), for every horizon in one pass.

        The level runs the clock: a window with twice the usual intensity is one of twice its days. An
        interval that ends below the mean (nine of ten order nothing, the tenth much) is widened to it, so it
        holds at least ``interval_coverage``.
        """
        levels = levels or neutral_levels(self.horizons_days)
        forecast = self.value_.forecast(
            X[list(COLUMNS)],
            horizons_days=[each.effective_days for each in levels],
            window_sd=np.asarray([each.sd for each in levels]),
        )
        of_orders, of_amounts = (each[:, None] for each in self.ratios(X))
        factor = of_amounts * np.exp([each.log_amount for each in levels])
        value = forecast.expected_revenue * factor
        buying, rows = self.value_.purchases_, X[list(HISTORY)]
        return ValuePrediction(
            value=value,
            value_lo=np.minimum(forecast.revenue_lo * factor, value),
            value_hi=np.maximum(forecast.revenue_hi * factor, value),
            value_above=forecast.revenue_above,
            orders=forecast.expected_purchases * of_orders,
            order_amount=forecast.expected_order_amount[:, None] * factor / of_orders,
            alive=self._alive(X, forecast.probability_alive),
            next_order_days=calendar_days(buying.next_order_days(rows, NEXT_ORDER_CHANCES), levels),
            silence=buying.silence_probability(rows),
        )

    def ratios(self, X: pd.DataFrame) -> tuple[Floats, Floats]:  # noqa: N803 - scikit-learn's name
        """Orders and amounts of customers ``X`` (n, k) over those of BG/NBD and Gamma-Gamma, (n,) each."""
        if self.shape_ is None:
            return np.ones(len(X)), np.ones(len(X))
        learned = self.shape_.relative_orders(X), self.shape_.relative_amounts(X)
        found = [
            scale * self._combined(each, own) / each
            for scale, each, own in zip(self.scales_, self._base(X), learned, strict=True)
        ]
        return found[0], found[1]

    def _combined(self, base: Floats, learned: Floats) -> Floats:
        if self.amount_model == "boosting":
            return learned
        return np.asarray((base * learned) ** (SHARPENING / 2), dtype=np.float64)

    def _base(self, X: pd.DataFrame) -> tuple[Floats, Floats]:  # noqa: N803 - scikit-learn's name
        """Orders and amounts within the learned horizon by BG/NBD and Gamma-Gamma, without a level."""
        rows = X[list(HISTORY)]
        orders = self.value_.purchases_.expected_purchases(rows, [self.learned_days])[:, 0]
        orders = np.maximum(orders, SMALLEST)
        return orders, orders * self.value_.amounts_.expected_amount(X[[FREQUENCY, COLUMNS[-1]]])

    def _alive(self, X: pd.DataFrame, alive: Floats) -> Floats:  # noqa: N803 - scikit-learn's name
        """The chance of being active, ``nan`` where BG/NBD cannot know it.

        Customers leave after a repeat order only, so nothing is known of those with one order; and with a
        parameter at its bound the data have decided nothing about leaving.
        """
        unknown = X[FREQUENCY].to_numpy() == 0
        if self.value_.purchases_.at_bound_:
            unknown = np.ones(len(X), dtype=bool)
        return np.where(unknown, np.nan, alive)


def neutral_levels(horizons_days: Sequence[int]) -> tuple[HorizonLevel, ...]:
    """Levels that change nothing."""
    return tuple(
        HorizonLevel(horizon_days=days, effective_days=float(days), sd=0.0) for days in horizons_days
    )


def calendar_days(days: Floats, levels: Sequence[HorizonLevel]) -> Floats:
    """Days on the model's clock, (n, k), as days of the calendar; beyond the last horizon both run alike.

    At half the usual intensity the 10th day of the model comes after 20 days:

    >>> slow = HorizonLevel(horizon_days=30, effective_days=15.0, sd=0.1)
    >>> calendar_days(np.array([10.0, 15.0, 20.0]), [slow]).tolist()
    [20.0, 30.0, 35.0]
    """
    clock = np.r_[0.0, [each.effective_days for each in levels]]
    calendar = np.r_[0.0, [each.horizon_days for each in levels]]
    beyond = np.maximum(days - clock[-1], 0.0)
    return np.asarray(np.interp(days, clock, calendar) + beyond, dtype=np.float64)
