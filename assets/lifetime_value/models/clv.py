"""BG/NBD and Gamma-Gamma together: orders and revenue of each customer, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import ndtri
from sklearn.base import BaseEstimator

from assets.lifetime_value.models.gamma_gamma import GammaGamma
from assets.lifetime_value.models.predictive import SMALLEST, Forecaster, Spread, chance_above, spread
from assets.metrics.arrays import Floats
from assets.purchase_process.bg_nbd import HORIZONS_DAYS, BgNbd, BgNbdParams, alive, expected_orders
from assets.purchase_process.purchase_history import AMOUNT, HISTORY, PurchaseHistory, Rows, numbers

COLUMNS = (*HISTORY, AMOUNT)
INTERVAL_COVERAGE = 0.8
DAYS_PER_YEAR = 365.0
# Orders within a step of discounting count as if they came in its middle.
DISCOUNT_STEP_DAYS = 30.0
LOG_STEP = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class ClvForecast:
    """Forecast for n customers; money in shop currency, on the estimator's value basis.

    Attributes:
        horizons_days: The h horizons.
        probability_alive: (n,) in [0, 1].
        expected_purchases: (n, h) mean orders.
        purchases_lo: (n, h) lower end of the interval, whole orders.
        purchases_hi: (n, h) upper end.
        expected_order_amount: (n,) mean amount per order.
        expected_revenue: (n, h) mean amount of all orders.
        revenue_lo: (n, h) lower end of the interval.
        revenue_hi: (n, h) upper end.
        revenue_above: (n, h) chance of more than the upper end, as the interval promises.
        relative_error: (n, h) standard error of the log of ``expected_revenue`` from parameters alone.
    """

    horizons_days: tuple[float, ...]
    probability_alive: Floats
    expected_purchases: Floats
    purchases_lo: Floats
    purchases_hi: Floats
    expected_order_amount: Floats
    expected_revenue: Floats
    revenue_lo: Floats
    revenue_hi: Floats
    revenue_above: Floats
    relative_error: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Orders of a forecast, (u, horizons) each.

    Attributes:
        mean: Mean orders.
        counted: Weight of an order after discounting, in (0, 1].
        error: Standard error of the log of ``mean`` from parameters alone.
        process: Intervals by the process alone.
        fewest: Lower end with parameters' uncertainty, whole orders.
        most: Upper end.
    """

    mean: Floats
    counted: Floats
    error: Floats
    process: Spread
    fewest: Floats
    most: Floats


class LifetimeValue(BaseEstimator):  # type: ignore[misc]
    """Orders by :class:`BgNbd` times amounts by :class:`GammaGamma`, which are taken as independent.

    Args:
        horizons_days: Horizons of a prediction, all in one pass.
        interval_coverage: Probability that an interval should hold, in (0, 1).
        value_basis: Definition of the amounts given to :meth:`fit`; stored, not used.
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
        interval_coverage: float = INTERVAL_COVERAGE,
        value_basis: str = "net of returns",
        annual_discount: float = 0.0,
        least_customers: int = 500,
        least_repeaters: int = 100,
    ) -> None:
        self.horizons_days = horizons_days
        self.interval_coverage = interval_coverage
        self.value_basis = value_basis
        self.annual_discount = annual_discount
        self.least_customers = least_customers
        self.least_repeaters = least_repeaters

    def fit(self, X: Rows, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Fit on ``X`` (n, 4): repeat orders, recency and age in days, mean amount of the repeat orders.

        Raises:
            ValueError: when a row is not a possible history, or a setting is out of range.
            InsufficientData: when there are too few customers or repeat buyers.
            NoHeterogeneity: when customers do not differ.
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
        if not 0 < self.interval_coverage < 1:
            raise ValueError(f"interval_coverage is {self.interval_coverage}; it must lie between 0 and 1")
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

    def forecast(
        self,
        X: Rows,  # noqa: N803 - scikit-learn's name
        *,
        horizons_days: Sequence[float] | None = None,
        window_sd: Floats | float = 0.0,
        active: Floats | None = None,
    ) -> ClvForecast:
        """Means and intervals of orders and revenue of ``X`` (n, 4), for every horizon in one pass.

        The intervals hold the variation of orders and amounts (exact under the model) and the standard
        errors of the parameters (delta method, added in quadrature to the distance from the mean). Orders
        are whole and many customers place none, so an interval holds at least ``interval_coverage``: a
        customer who orders nothing with a chance of 0.95 has 0 to 0, which holds 0.95.

        Args:
            X: Customers.
            horizons_days: Other horizons than those of the estimator.
            window_sd: (horizons,) standard deviation of the logarithm of what moves all customers together.
            active: (n,) factors that take the place of the chances of being active in orders and revenue.
        """
        rows = numbers(X, COLUMNS)
        # Equal histories may have unequal factors.
        histories, spending = PurchaseHistory.of(rows[:, :3], merge=active is None), rows[:, [0, 3]]
        horizons = tuple(horizons_days or self.horizons_days)
        orders, place = self._orders(histories, horizons, active), histories.place
        amount, scale = self.amounts_.expected_amount(spending), self.amounts_.scale(spending)[1][:, None]
        relative = np.hypot(orders.error[place], self.amounts_.relative_error(spending)[:, None])
        relative = np.hypot(relative, window_sd)
        revenue, counted = orders.mean[place] * amount[:, None], orders.counted[place]
        process = orders.process.amount_lo[place] * scale, orders.process.amount_hi[place] * scale
        lo, hi = widened(*process, mean=revenue, error=revenue * relative, coverage=self.interval_coverage)
        return ClvForecast(
            horizons_days=horizons,
            probability_alive=alive(self.purchases_.buying, histories)[place],
            expected_purchases=orders.mean[place],
            purchases_lo=orders.fewest[place],
            purchases_hi=orders.most[place],
            expected_order_amount=amount,
            expected_revenue=revenue * counted,
            revenue_lo=lo * counted,
            revenue_hi=hi * counted,
            revenue_above=orders.process.amount_above[place],
            relative_error=relative,
        )

    def _orders(self, histories: PurchaseHistory, horizons: Sequence[float], active: Floats | None) -> Orders:
        buying = self.purchases_.buying
        known = expected_orders(buying, histories, horizons_days=horizons)
        mean = expected_orders(buying, histories, horizons_days=horizons, active=active)
        counted = discounted_orders(
            buying, histories, horizons_days=horizons, annual_discount=self.annual_discount
        )
        error = relative_errors(self.purchases_, histories, horizons_days=horizons)
        process = spread(
            self.forecaster,
            histories,
            horizons_days=horizons,
            coverage=self.interval_coverage,
            active=active,
        )
        ends = process.orders_lo, process.orders_hi
        fewest, most = widened(*ends, mean=mean, error=mean * error, coverage=self.interval_coverage)
        return Orders(
            mean=mean,
            counted=counted / np.maximum(known, SMALLEST),
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
        """Chances to exceed ``orders``, and to exceed ``revenue``, (n,) each.

        Revenue is not discounted, and parameters are taken as known. With the chance of exceeding one
        order less this is the probability integral transform of realised values.

        Args:
            X: (n, 4) customers.
            orders: (n,) whole orders.
            revenue: (n,) amounts.
            horizon_days: Length of the window.
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


def discounted_orders(
    buying: BgNbdParams, histories: PurchaseHistory, *, horizons_days: Sequence[float], annual_discount: float
) -> Floats:
    """Mean orders within each horizon, each counted at its value today, (u, horizons).

    Args:
        buying: Parameters.
        histories: The u histories.
        horizons_days: Lengths of the windows.
        annual_discount: Rate per year.

    Source: Fader, Hardie & Lee 2005, RFM and CLV, who discount continuously and without a horizon.
    """
    if annual_discount == 0:
        return expected_orders(buying, histories, horizons_days=horizons_days)
    totals = []
    for days in horizons_days:
        edges = np.r_[np.arange(0.0, days, DISCOUNT_STEP_DAYS), days]
        within = expected_orders(buying, histories, horizons_days=edges[1:].tolist())
        middle = (edges[:-1] + edges[1:]) / 2
        totals.append(
            np.diff(within, axis=1, prepend=0.0) @ (1 + annual_discount) ** (-middle / DAYS_PER_YEAR)
        )
    return np.column_stack(totals)


def relative_errors(model: BgNbd, histories: PurchaseHistory, *, horizons_days: Sequence[float]) -> Floats:
    """Standard error of the log of the mean orders that the parameters leave, (u, horizons).

    Delta method in the logarithms of the parameters, slopes by central differences.

    Args:
        model: Fitted model.
        histories: The u histories.
        horizons_days: Lengths of the windows.
    """
    logs = np.log(model.buying)

    def log_orders(at: Floats) -> Floats:
        orders = expected_orders(BgNbdParams(*np.exp(at)), histories, horizons_days=horizons_days)
        return np.asarray(np.log(np.maximum(orders, SMALLEST)))

    slopes = np.stack(
        [
            (log_orders(logs + step) - log_orders(logs - step)) / (2 * LOG_STEP)
            for step in LOG_STEP * np.eye(4)
        ]
    )
    return np.asarray(np.sqrt(np.einsum("iuh,ij,juh->uh", slopes, model.covariance_, slopes)))


def widened(lo: Floats, hi: Floats, *, mean: Floats, error: Floats, coverage: float) -> tuple[Floats, Floats]:
    """An interval by the process, moved outwards by the ``error`` of its ``mean``; not below 0.

    Distances from the mean add in quadrature, as standard deviations of independent errors do. An end
    on the far side of the mean (an upper end of 0 below a mean of 0.05) stays where it is.

    Args:
        lo: (n, horizons) lower ends.
        hi: (n, horizons) upper ends.
        mean: (n, horizons) means.
        error: (n, horizons) standard errors of the means.
        coverage: Probability that an interval should hold.
    """
    reach = ndtri((1 + coverage) / 2) * error
    below = np.where(lo < mean, mean - np.hypot(mean - lo, reach), lo)
    above = np.where(hi > mean, mean + np.hypot(hi - mean, reach), hi)
    return np.maximum(below, 0.0), above
