"""What an outlook is made of: means, discounting, and both kinds of uncertainty in one interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from assets.lifetime_value.models.bg_nbd import BgNbd, BgNbdParams, expected_orders
from assets.lifetime_value.models.predictive import SMALLEST, Spread
from assets.lifetime_value.models.purchase_history import PurchaseHistory
from assets.metrics.arrays import Floats

DAYS_PER_YEAR = 365.0
# What falls into a step of discounting counts as if it came in its middle.
DISCOUNT_STEP_DAYS = 30.0
LOG_STEP = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class ClvForecast:
    """What each of n customers is expected to do; money in shop currency, on the estimator's value basis.

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
    relative_error: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """The orders' part of an outlook, (u, horizons) each.

    Attributes:
        mean: Mean orders.
        counted: What an order counts after discounting, in (0, 1].
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


def discounted_orders(
    buying: BgNbdParams, histories: PurchaseHistory, *, horizons_days: Sequence[float], annual_discount: float
) -> Floats:
    """Mean orders within each horizon, each counted at its value today, (u, horizons).

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


def widened(lo: Floats, hi: Floats, *, mean: Floats, error: Floats, level: float) -> tuple[Floats, Floats]:
    """An interval by the process, moved outwards by the ``error`` of its ``mean``; not below 0.

    Distances from the mean add in quadrature, as standard deviations of independent errors do. An end
    on the far side of the mean (an upper end of 0 below a mean of 0.05) stays where it is.
    """
    reach = ndtri((1 + level) / 2) * error
    below = np.where(lo < mean, mean - np.hypot(mean - lo, reach), lo)
    above = np.where(hi > mean, mean + np.hypot(hi - mean, reach), hi)
    return np.maximum(below, 0.0), above
