"""BG/NBD and Gamma-Gamma together: orders and revenue of every customer, with intervals."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator

from assets.lifetime_value.models.bg_nbd import HORIZONS_DAYS, BgNbd, alive, expected_orders
from assets.lifetime_value.models.gamma_gamma import GammaGamma
from assets.lifetime_value.models.outlook import (
    ClvForecast,
    Orders,
    discounted_orders,
    relative_errors,
    widened,
)
from assets.lifetime_value.models.predictive import SMALLEST, Forecaster, chance_above, spread
from assets.lifetime_value.models.purchase_history import AMOUNT, HISTORY, PurchaseHistory, Rows, numbers
from assets.metrics.arrays import Floats

COLUMNS = (*HISTORY, AMOUNT)
LEVEL = 0.8


class LifetimeValue(BaseEstimator):  # type: ignore[misc]
    """Orders by :class:`BgNbd` times amounts by :class:`GammaGamma`, which are taken as independent.

    Args:
        horizons_days: Horizons of a prediction, all in one pass.
        level: Probability that an interval should hold, in (0, 1).
        value_basis: What the amounts given to :meth:`fit` are, in words; carried along, not used.
        annual_discount: Rate per year at which later revenue counts less; 0 counts it in full.
        least_customers: Floor of customers.
        least_repeaters: Floor of customers with a repeat order.

    Attributes:
        purchases_: The fitted :class:`BgNbd`.
        amounts_: The fitted :class:`GammaGamma`.

    Source: Fader, Hardie & Lee 2005, RFM and CLV: using iso-value curves for customer base analysis.
    """

    def __init__(  # noqa: PLR0913 - scikit-learn's way: every setting is an argument of its own
        self,
        *,
        horizons_days: Sequence[float] = HORIZONS_DAYS,
        level: float = LEVEL,
        value_basis: str = "net of returns",
        annual_discount: float = 0.0,
        least_customers: int = 500,
        least_repeaters: int = 100,
    ) -> None:
        self.horizons_days = horizons_days
        self.level = level
        self.value_basis = value_basis
        self.annual_discount = annual_discount
        self.least_customers = least_customers
        self.least_repeaters = least_repeaters

    def fit(self, X: Rows, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Fit on ``X`` (n, 4): repeat orders, recency and age in days, mean amount of the repeat orders.

        Raises:
            ValueError: when a row is not a possible history, or a setting is out of range.
            InsufficientData: when there are too few customers or repeat buyers.
            NothingToTellApart: when customers do not differ.
            AmountsTooSpread: when the mean order would be infinite.
        """
        self._refuse_settings()
        rows = numbers(X, COLUMNS)
        self.purchases_ = BgNbd(self.least_customers, self.least_repeaters).fit(rows[:, :3])
        self.amounts_ = GammaGamma(self.least_repeaters).fit(rows[:, [0, 3]])
        return self

    def _refuse_settings(self) -> None:
        if not self.horizons_days or min(self.horizons_days) <= 0:
            raise ValueError(f"horizons are {list(self.horizons_days)} days; each must be above 0")
        if not 0 < self.level < 1:
            raise ValueError(f"level is {self.level}; it must lie between 0 and 1")
        if self.annual_discount < 0:
            raise ValueError(f"annual_discount is {self.annual_discount}; it must be at least 0")

    def expected_revenue(self, X: Rows) -> Floats:  # noqa: N803 - scikit-learn's name
        """Mean amount of all orders within each horizon of ``X`` (n, 4), discounted, as (n, horizons)."""
        rows = numbers(X, COLUMNS)
        histories = PurchaseHistory.of(rows[:, :3])
        orders = discounted_orders(
            self.purchases_.buying,
            histories,
            horizons_days=self.horizons_days,
            annual_discount=self.annual_discount,
        )
        return np.asarray(orders[histories.place] * self.amounts_.expected_amount(rows[:, [0, 3]])[:, None])

    def outlook(self, X: Rows) -> ClvForecast:  # noqa: N803 - scikit-learn's name
        """Means and intervals of orders and revenue of ``X`` (n, 4), for every horizon in one pass.

        The intervals hold what may happen (how many orders, of which amounts; exact under the model)
        and how sure the parameters are (delta method, added in quadrature to the distance from the
        mean). Orders are whole and many customers place none, so an interval holds at least ``level``:
        whoever orders nothing with a chance of 0.95 has 0 to 0, which holds 0.95.
        """
        rows = numbers(X, COLUMNS)
        histories, spending = PurchaseHistory.of(rows[:, :3]), rows[:, [0, 3]]
        orders, place = self._orders(histories), histories.place
        amount, scale = self.amounts_.expected_amount(spending), self.amounts_.scale(spending)[1][:, None]
        relative = np.hypot(orders.error[place], self.amounts_.relative_error(spending)[:, None])
        revenue, counted = orders.mean[place] * amount[:, None], orders.counted[place]
        process = orders.process.amount_lo[place] * scale, orders.process.amount_hi[place] * scale
        lo, hi = widened(*process, mean=revenue, error=revenue * relative, level=self.level)
        return ClvForecast(
            horizons_days=tuple(self.horizons_days),
            probability_alive=alive(self.purchases_.buying, histories)[place],
            expected_purchases=orders.mean[place],
            purchases_lo=orders.fewest[place],
            purchases_hi=orders.most[place],
            expected_order_amount=amount,
            expected_revenue=revenue * counted,
            revenue_lo=lo * counted,
            revenue_hi=hi * counted,
            relative_error=relative,
        )

    def _orders(self, histories: PurchaseHistory) -> Orders:
        buying, horizons = self.purchases_.buying, self.horizons_days
        mean = expected_orders(buying, histories, horizons_days=horizons)
        counted = discounted_orders(
            buying, histories, horizons_days=horizons, annual_discount=self.annual_discount
        )
        error = relative_errors(self.purchases_, histories, horizons_days=horizons)
        process = spread(self.forecaster, histories, horizons_days=horizons, level=self.level)
        fewest, most = widened(
            process.orders_lo, process.orders_hi, mean=mean, error=mean * error, level=self.level
        )
        return Orders(
            mean=mean,
            counted=counted / np.maximum(mean, SMALLEST),
            error=error,
            process=process,
            fewest=np.round(fewest),
            most=np.round(most),
        )

    @property
    def forecaster(self) -> Forecaster:
        """The fitted parameters of both models."""
        return Forecaster(buying=self.purchases_.buying, spending=self.amounts_.spending)

    def chance_above(
        self,
        X: Rows,  # noqa: N803 - scikit-learn's name
        *,
        orders: Floats,
        revenue: Floats,
        horizon_days: float,
    ) -> tuple[Floats, Floats]:
        """Chances that customers of ``X`` (n, 4) exceed ``orders`` (n,) and ``revenue`` (n,), apart.

        Revenue is not discounted, and parameters are taken as known. With the chance of exceeding one
        order less this is the probability integral transform that realised values are judged by.
        """
        rows = numbers(X, COLUMNS)
        multiples = revenue / self.amounts_.scale(rows[:, [0, 3]])[1]
        return chance_above(
            self.forecaster,
            PurchaseHistory.of(rows[:, :3], merge=False),
            horizon_days=horizon_days,
            orders=orders,
            multiples=multiples,
        )
