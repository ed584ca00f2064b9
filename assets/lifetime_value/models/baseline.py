"""The baseline: repeat orders per day of customers alike, times the days ahead and the amount of an order."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from scipy.stats import nbinom
from sklearn.base import BaseEstimator

from assets.lifetime_value.models.candidates import ValuePrediction
from assets.lifetime_value.models.clv import INTERVAL_COVERAGE
from assets.metrics.amounts import DAYS_PER_YEAR, GONE_AFTER_DAYS
from assets.metrics.arrays import Flags, Floats, Ints
from assets.prior_shift.trading_days import Days
from assets.purchase_process.bg_nbd import HORIZONS_DAYS
from assets.purchase_process.purchase_history import AGE, FREQUENCY

# Up to and including so many days since the first order; later is the last band.
AGE_ENDS = (30.0, 90.0, 180.0, 365.0)
# The overall rate counts in each band like this many days of customers.
BAND_DAYS = 20 * DAYS_PER_YEAR
# The rate of alike customers counts like at least and at most so many days of a customer's own history.
LEAST_DAYS, MOST_DAYS = 30.0, 3_650.0
# The mean amount of an order counts like so many orders of a customer.
PRIOR_ORDERS = 1.0
# A negative binomial needs a shape above 0.
SMALLEST_SHAPE = 1e-9


class RepeatSpend(BaseEstimator):  # type: ignore[misc]
    """Repeat orders per day of the past year, shrunk to those of customers as old, times days and amount.

    A first order does not repeat by itself: of a customer who bought once nothing is known but how often
    customers as old have bought again. A customer's orders are Poisson with a rate that is Gamma distributed
    around that of the age band; how much customers differ is estimated by moments. The sum over the customers
    of the fit is at most what the shop has ever earned in such a window.

    Assumes that the next days are like the past year: no season and no growth; who has not ordered for
    ``gone_after_days`` orders nothing more.

    Args:
        horizons_days: Horizons of one pass.
        gone_after_days: Customers without an order for longer are expected to spend nothing.
        interval_coverage: Probability that an interval should hold.

    Attributes:
        rates_: (5,) repeat orders per day by age band.
        own_days_: Days of own history that weigh as much as the rate of the band.
        order_amount_: Mean amount of an order, in shop currency.
        scales_: (h,) factors in [0, 1] that keep the total within what the shop has earned.

    Source: Ehrenberg 1959, The pattern of consumer purchases (negative binomial, fitted by moments).
    """

    def __init__(
        self,
        *,
        horizons_days: Sequence[int] = HORIZONS_DAYS,
        gone_after_days: float = GONE_AFTER_DAYS,
        interval_coverage: float = INTERVAL_COVERAGE,
    ) -> None:
        self.horizons_days = horizons_days
        self.gone_after_days = gone_after_days
        self.interval_coverage = interval_coverage

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:  # noqa: N803 - scikit-learn's names
        """Fit on the customers ``X`` (n, k) of an as-of date.

        Args:
            X: Purchase histories and amounts of the past year.
            y: (h,) most orders that the shop has had in a window of each horizon.
        """
        active = X.loc[self._is_active(X)]
        repeats, days, band = _repeats(active), _days(active), _bands(active)
        size, overall = len(AGE_ENDS) + 1, _ratio(repeats.sum(), days.sum())
        in_band, exposed = np.bincount(band, repeats, size), np.bincount(band, days, size)
        self.rates_ = (in_band + overall * BAND_DAYS) / (exposed + BAND_DAYS)
        self.own_days_ = _own_days(repeats, self.rates_[band] * days, overall=overall)
        known = np.maximum(X["net_amount_lifetime"].to_numpy(dtype=np.float64), 0.0)
        self.order_amount_ = _ratio(known.sum(), (X[FREQUENCY] + 1).sum())
        self.scales_ = np.ones(len(self.horizons_days))
        totals = self.expected_revenue(X).sum(axis=0)
        most = np.asarray(y, dtype=np.float64) * self.order_amount_
        self.scales_ = np.minimum(1.0, np.divide(most, totals, out=np.ones(most.size), where=totals > 0))
        return self

    def expected_revenue(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """Mean amounts of customers ``X`` (n, k), (n, horizons), at least 0."""
        return self.predict(X).value

    def predict(self, X: pd.DataFrame) -> ValuePrediction:  # noqa: N803 - scikit-learn's name
        """Amounts of customers ``X`` (n, k) with their intervals; ``nan`` in everything else."""
        shape = _repeats(X) + self.rates_[_bands(X)] * self.own_days_
        rate = _days(X) + self.own_days_
        ahead = np.asarray(self.horizons_days, dtype=np.float64) * self.scales_
        is_active, amount = self._is_active(X)[:, None], self._order_amounts(X)[:, None]
        value = np.where(is_active, amount * shape[:, None] * ahead / rate[:, None], 0.0)
        tail = (1 - self.interval_coverage) / 2
        drawn = nbinom(np.maximum(shape, SMALLEST_SHAPE)[:, None], rate[:, None] / (rate[:, None] + ahead))
        low, high = (np.where(is_active, amount * drawn.ppf(each), 0.0) for each in (tail, 1 - tail))
        unknown, nothing = np.full(value.shape, np.nan), np.full(len(value), np.nan)
        return ValuePrediction(
            value=value,
            value_lo=np.minimum(low, value),
            value_hi=np.maximum(high, value),
            value_above=unknown,
            orders=unknown,
            order_amount=unknown,
            alive=nothing,
            next_order_days=np.full((len(value), 3), np.nan),
            silence=nothing,
        )

    def _is_active(self, rows: pd.DataFrame) -> Flags:
        days = rows["days_since_order"].to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(days <= self.gone_after_days)

    def _order_amounts(self, rows: pd.DataFrame) -> Floats:
        """(n,) mean amount of an order of each customer, shrunk to that of all."""
        known = np.maximum(rows["net_amount_lifetime"].to_numpy(dtype=np.float64), 0.0)
        orders = rows[FREQUENCY].to_numpy(dtype=np.float64) + 1
        amounts = (known + PRIOR_ORDERS * self.order_amount_) / (orders + PRIOR_ORDERS)
        return np.asarray(amounts, dtype=np.float64)


def _days(rows: pd.DataFrame) -> Floats:
    ages = np.clip(rows[AGE].to_numpy(dtype=np.float64), 1.0, DAYS_PER_YEAR)
    return np.asarray(ages, dtype=np.float64)


def _bands(rows: pd.DataFrame) -> Ints:
    ages = rows[AGE].to_numpy(dtype=np.float64)
    return np.searchsorted(np.asarray(AGE_ENDS), ages, side="left").astype(np.int64)


def _repeats(rows: pd.DataFrame) -> Floats:
    """(n,) repeat orders of the past year, whose share of the orders is taken to be that of the amount."""
    lifetime = rows["net_amount_lifetime"].to_numpy(dtype=np.float64)
    year = rows["net_amount_365d"].to_numpy(dtype=np.float64)
    share = np.clip(np.divide(year, lifetime, out=np.zeros(len(rows)), where=lifetime > 0), 0.0, 1.0)
    orders = (rows[FREQUENCY].to_numpy(dtype=np.float64) + 1) * share
    has_first = rows[AGE].to_numpy(dtype=np.float64) <= DAYS_PER_YEAR
    return np.asarray(np.maximum(orders - has_first, 0.0), dtype=np.float64)


def _own_days(repeats: Floats, expected: Floats, *, overall: float) -> float:
    """Rate of the Gamma distribution of customers' rates, in days, by moments; many if all are alike."""
    beyond = float(np.sum((repeats - expected) ** 2 - expected))
    if beyond <= 0 or overall <= 0:
        return MOST_DAYS
    return float(np.clip(np.sum(expected**2) / beyond / overall, LEAST_DAYS, MOST_DAYS))


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below > 0 else 0.0


def most_orders(day: Days, orders: Floats, *, horizons_days: Sequence[int]) -> Floats:
    """Most orders in any window of each horizon, (h,); in proportion while the history is shorter.

    Args:
        day: (d,) different local days with orders, ``datetime64[D]``, in any order.
        orders: (d,) orders of each.
        horizons_days: Lengths of the windows.
    """
    if not len(day):
        return np.zeros(len(horizons_days))
    daily = pd.Series(orders, index=pd.DatetimeIndex(day)).sort_index().asfreq("D", fill_value=0.0)
    found = [
        daily.rolling(min(days, len(daily))).sum().max() * max(1.0, days / len(daily))
        for days in horizons_days
    ]
    return np.maximum.accumulate(np.asarray(found, dtype=np.float64))
