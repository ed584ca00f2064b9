"""Gamma-Gamma: mean order amount of a customer, shrunken by the number of known orders."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from scipy.special import digamma, gammaln
from scipy.stats import rankdata
from sklearn.base import BaseEstimator

from assets.lifecycle.capability import InsufficientData
from assets.metrics.arrays import Flags, Floats, Ints
from assets.purchase_process.likelihood import maximise, refuse_insufficient_data
from assets.purchase_process.purchase_history import (
    AMOUNT,
    FREQUENCY,
    Distinct,
    NoHeterogeneity,
    Rows,
    numbers,
)

NAMES = ("p", "q", "v")
START = np.log([3.0, 3.0, 1.0])


class AmountsTooSpread(InsufficientData):
    """Order amounts differ so much between customers that their mean is not finite under the model."""


class GammaGammaParams(NamedTuple):
    """The three parameters: amounts are Gamma(p, rate nu), and nu differs as Gamma(q, rate v)."""

    p: float
    q: float
    v: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Sufficient statistics of n repeat buyers; only ``total`` has one number per customer.

    Attributes:
        distinct: (k,) different numbers of repeat orders.
        customers: (k,) customers with each.
        log_amounts: (k,) sum of the logarithms of their mean amounts.
        place: (n,) index of each customer's number among the k.
        total: (n,) repeat orders times mean amount.
    """

    distinct: Floats
    customers: Floats
    log_amounts: Floats
    place: Ints
    total: Floats

    @classmethod
    def of(cls, frequency: Floats, amount: Floats) -> Self:
        """From repeat orders (n,) and their mean amounts (n,), all above 0."""
        counts = Distinct.of(frequency)
        return cls(
            distinct=frequency[counts.first],
            customers=np.bincount(counts.place).astype(np.float64),
            log_amounts=np.bincount(counts.place, np.log(amount)).astype(np.float64),
            place=counts.place,
            total=frequency * amount,
        )


class GammaGamma(BaseEstimator):  # type: ignore[misc]
    """Orders of a customer vary around the customer's own mean, and the means vary between customers.

    Wrong when frequent buyers spend more (or less) per order: the correlation attributes measure it,
    and the model assumes 0. Customers whose mean order is not above 0 (all sent back, or
    given away) cannot be fitted on; they are counted in ``n_left_out_``.

    Args:
        least_repeaters: Floor of customers with a repeat order of a positive amount.

    Attributes:
        p_: Shape of the amounts of one customer.
        q_: Shape of the differences between customers.
        v_: Scale of the differences between customers, in shop currency.
        covariance_: (3, 3) of the logarithms of p, q, v.
        log_likelihood_: Of all repeat buyers, in nats, amounts in shop currency.
        at_bound_: Parameters that the data drive to zero or infinity.
        correlation_: Pearson's correlation of frequency and mean amount, in [-1, 1].
        rank_correlation_: Spearman's, which single large orders do not decide.
        n_repeaters_: Customers fitted on.
        n_left_out_: Repeat buyers whose mean amount is not above 0.

    Source: Fader & Hardie 2013, The Gamma-Gamma model of monetary value; Fader, Hardie & Lee 2005, RFM
    and CLV: using iso-value curves for customer base analysis, Journal of Marketing Research 42.
    """

    def __init__(self, least_repeaters: int = 100) -> None:
        self.least_repeaters = least_repeaters

    def fit(self, X: Rows, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Fit on the repeat buyers of ``X`` (n, 2): repeat orders and their mean amount (shop currency).

        Raises:
            ValueError: A frequency or a repeat buyer's amount is missing or infinite.
            InsufficientData: There are too few repeat buyers; names count and floor.
            NoHeterogeneity: They all spend the same.
            AmountsTooSpread: The mean order would be infinite (q at most 1).
        """
        frequency, amount = _spenders(X)
        positive = amount > 0
        self.n_repeaters_, self.n_left_out_ = int(positive.sum()), int((~positive).sum())
        frequency, amount = frequency[positive], amount[positive]
        self._refuse(amount)
        unit = float(np.exp(np.log(amount).mean()))
        spent = Spent.of(frequency, amount / unit)
        found = maximise(lambda logs: log_likelihood(logs, spent), START, rows=amount.size)
        self.p_, self.q_, self.v_ = (float(value) for value in np.exp(found.logs) * [1.0, 1.0, unit])
        self.log_likelihood_ = found.log_likelihood - amount.size * float(np.log(unit))
        self.covariance_, self.at_bound_ = found.covariance, found.at_bound(NAMES)
        self.correlation_ = _correlation(frequency, amount)
        self.rank_correlation_ = _correlation(rankdata(frequency), rankdata(amount))
        if self.q_ <= 1:
            raise AmountsTooSpread(f"q is {self.q_:.2f} for {amount.size} repeat buyers, above 1 is needed")
        return self

    def _refuse(self, amount: Floats) -> None:
        counted = "customers with a repeat order of a positive amount"
        refuse_insufficient_data([(amount.size, max(self.least_repeaters, 1), counted)])
        if np.ptp(amount) <= 1e-9 * amount.max():
            raise NoHeterogeneity(f"all {amount.size} repeat buyers spend {amount[0]:g} per order")

    @property
    def spending(self) -> GammaGammaParams:
        """The fitted parameters."""
        return GammaGammaParams(self.p_, self.q_, self.v_)

    def expected_amount(self, X: Rows) -> Floats:  # noqa: N803 - scikit-learn's name
        """Mean of a future order's amount of each customer of ``X`` (n, 2), in shop currency, (n,).

        Customers without a repeat order get the mean of all, their own amount notwithstanding.

        Source: Fader & Hardie 2013, equation 5.
        """
        frequency, scale = self.scale(X)
        return np.asarray(self.p_ * scale / (self.p_ * frequency + self.q_ - 1), dtype=np.float64)

    def relative_error(self, X: Rows) -> Floats:  # noqa: N803 - scikit-learn's name
        """Standard error of the log of :meth:`expected_amount` from the parameters alone, (n,)."""
        frequency, scale = self.scale(X)
        least = self.p_ * frequency + self.q_ - 1
        slopes = np.column_stack([(self.q_ - 1) / least, -self.q_ / least, self.v_ / scale])
        return np.asarray(np.sqrt(np.einsum("ni,ij,nj->n", slopes, self.covariance_, slopes)))

    def scale(self, X: Rows) -> tuple[Floats, Floats]:  # noqa: N803 - scikit-learn's name
        """Frequency x and ``v + x * mean amount`` of each customer, (n,) each; amounts below 0 count as 0."""
        frequency, amount = numbers(X, (FREQUENCY, AMOUNT)).T
        known = np.where(frequency > 0, np.maximum(amount, 0.0), 0.0)
        _refuse_missing(frequency, known)
        return frequency, self.v_ + frequency * known


def _spenders(X: Rows) -> tuple[Floats, Floats]:  # noqa: N803 - scikit-learn's name
    frequency, amount = numbers(X, (FREQUENCY, AMOUNT)).T
    repeats = frequency > 0
    _refuse_missing(frequency, np.where(repeats, amount, 0.0))
    return frequency[repeats], amount[repeats]


def _refuse_missing(frequency: Floats, amount: Floats) -> None:
    wrong: Flags = ~np.isfinite(frequency) | ~np.isfinite(amount)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"an amount or frequency is missing or infinite: {int(wrong.sum())} of {wrong.size} rows, the "
            f"first is row {first} with frequency {frequency[first]:g}, amount {amount[first]:g}"
        )


def _correlation(first: Floats, second: Floats) -> float:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def log_likelihood(logs: Floats, spent: Spent) -> tuple[float, Floats]:
    """Log-likelihood of mean amounts and its gradient (3,) in ``logs``, the logarithms of p, q, v.

    Source: Fader & Hardie 2013, equation 1a.
    """
    p, q, v = np.exp(logs)
    x, customers = spent.distinct, spent.customers
    everything = v + spent.total
    log_all = np.bincount(spent.place, np.log(everything))
    inverse = np.bincount(spent.place, 1 / everything)
    by_x = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v) + p * x * np.log(x)
    value = customers @ by_x + (p * x - 1) @ spent.log_amounts - (p * x + q) @ log_all
    both = digamma(p * x + q)
    by_p = customers @ (x * (both - digamma(p * x) + np.log(x))) + x @ (spent.log_amounts - log_all)
    by_q = customers @ (both - digamma(q) + np.log(v)) - log_all.sum()
    by_v = customers.sum() * q / v - (p * x + q) @ inverse
    return float(value), np.array([by_p * p, by_q * q, by_v * v])
