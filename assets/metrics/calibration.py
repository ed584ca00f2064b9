"""Calibration of probabilities: reliability bins, calibration-in-the-large and slope."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from statsmodels.stats.proportion import proportion_confint

from assets.metrics.arrays import Flags, Floats, Ints
from assets.metrics.bootstrap import NORMAL_QUANTILE, Interval
from assets.metrics.classification import SMALLEST, intercept_shift, log_odds, with_shift

BINS = 10
MOST_STEPS = 50
LARGEST_STEP = 1.0
UNDEFINED = Interval(value=float("nan"), lo=float("nan"), hi=float("nan"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """One bin of a reliability diagram.

    Attributes:
        bin: Number, 1 for the lowest probabilities.
        n: Rows.
        mean_predicted: Mean probability, in [0, 1].
        mean_observed: Share of rows with the outcome, in [0, 1].
        ci_lo, ci_hi: Wilson interval of the rate at 95 %, in [0, 1].
    """

    bin: int
    n: int
    mean_predicted: float
    mean_observed: float
    ci_lo: float
    ci_hi: float


def calibration_bins(
    outcome: Floats, probability: Floats, customers: Ints | None = None
) -> tuple[CalibrationBin, ...]:
    """Up to ten bins of equal size by probability, with Wilson intervals of the observed rate.

    Args:
        outcome: (n,) of 0.0/1.0.
        probability: (n,) in [0, 1]; equal probabilities stay in one bin, so there may be fewer bins.
        customers: (n,) integer code of the customer of each row, or ``None`` when each row is its own
            customer. A customer's weekly rows share most of their outcome window, so the interval counts
            customers, not rows: too wide rather than too narrow.

    Source: Wilson 1927 for the interval.

    >>> bins = calibration_bins(np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.2, 0.2, 0.9, 0.9]))
    >>> [(each.n, round(each.mean_predicted, 3), each.mean_observed) for each in bins]
    [(2, 0.2, 0.5), (2, 0.9, 1.0)]
    """
    bin_numbers = bin_of(probability)
    codes = np.arange(outcome.size) if customers is None else customers
    return tuple(
        _bin(number + 1, outcome[rows], probability=probability[rows], customers=codes[rows])
        for number in range(BINS)
        if (rows := bin_numbers == number).any()
    )


def bin_of(probability: Floats) -> Ints:
    """Decile of each value, as (n,) of 0 (lowest) to 9; equal values share a decile.

    Args:
        probability: (n,) any number; the deciles are those of the array itself.

    >>> bin_of(np.array([0.4, 0.1, 0.0, 0.2])).tolist()
    [9, 3, 0, 6]
    >>> bin_of(np.full(3, 0.2)).tolist()
    [0, 0, 0]
    """
    if probability.size == 0:
        return np.zeros(0, dtype=np.int64)
    edges = np.unique(np.quantile(probability, np.arange(1, BINS) / BINS))
    return np.searchsorted(edges, probability, side="left").astype(np.int64)


def _bin(number: int, outcome: Floats, *, probability: Floats, customers: Ints) -> CalibrationBin:
    rate = float(outcome.mean())
    independent = np.unique(customers).size
    lo, hi = proportion_confint(rate * independent, independent, method="wilson")
    return CalibrationBin(
        bin=number,
        n=int(outcome.size),
        mean_predicted=float(probability.mean()),
        mean_observed=rate,
        ci_lo=float(lo),
        ci_hi=float(hi),
    )


def expected_calibration_error(bins: tuple[CalibrationBin, ...]) -> float:
    """Expected calibration error: ``sum of n_b |rate_b - mean_predicted_b| / n``, in [0, 1].

    Args:
        bins: Of :func:`calibration_bins`, at least one.

    Source: Naeini, Cooper & Hauskrecht 2015. Sampling noise alone makes it positive.

    Two rows off by 0.3 and two by 0.1:

    >>> bins = calibration_bins(np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.2, 0.2, 0.9, 0.9]))
    >>> round(expected_calibration_error(bins), 4)
    0.2
    """
    rows = sum(each.n for each in bins)
    return sum(each.n * abs(each.mean_observed - each.mean_predicted) for each in bins) / rows


def shift_per_day(outcome: Floats, probability: Floats, day: Ints) -> Floats:
    """:func:`intercept_shift` of each row's as-of date: the period effect that all customers share.

    Args:
        outcome: (n,) of 0.0/1.0.
        probability: (n,) in [0, 1].
        day: (n,) any integer code of the as-of date.

    Returns:
        (n,) log-odds, equal within an as-of date.

    One of two on the first date (log-odds 0) and three of four on the second (log 3), 0.5 predicted on both:

    >>> outcome, day = np.array([1.0, 0.0, 1.0, 1.0, 1.0, 0.0]), np.array([0, 0, 1, 1, 1, 1])
    >>> (shift_per_day(outcome, np.full(6, 0.5), day) + 0.0).round(4).tolist()
    [0.0, 0.0, 1.0986, 1.0986, 1.0986, 1.0986]
    """
    shifts = np.zeros(outcome.size)
    for each in np.unique(day):
        rows: Flags = day == each
        shifts[rows] = intercept_shift(probability[rows], float(outcome[rows].mean()))
    return shifts


def recalibrated(outcome: Floats, probability: Floats, day: Ints) -> Floats:
    """Move each as-of date's mean probability to that date's rate, by :func:`shift_per_day`.

    Args:
        outcome: (n,) of 0.0/1.0.
        probability: (n,) in [0, 1].
        day: (n,) any integer code of the as-of date.

    Returns:
        (n,) probabilities in (0, 1).

    Half of two customers bought, and a quarter was expected:

    >>> recalibrated(np.array([0.0, 1.0]), np.array([0.25, 0.25]), np.array([0, 0])).round(4).tolist()
    [0.5, 0.5]
    """
    return with_shift(probability, shift_per_day(outcome, probability, day))


def calibration_in_the_large(outcome: Floats, probability: Floats, customers: Ints) -> Interval:
    """Calibration-in-the-large: intercept ``a`` of ``logit P(outcome) = a + log_odds(p)``.

    0 when the mean prediction equals the observed rate, above 0 when predictions are too low.

    Args:
        outcome: (n,) of 0.0/1.0, n > 0.
        probability: (n,) in [0, 1].
        customers: (n,) integer code of the customer of each row.

    Returns:
        Log-odds with a 95 % interval that is robust to repeated customers; ``nan`` bounds when every outcome
        is the same.

    Source: Cox 1958; Van Calster et al. 2019, "Calibration: the Achilles heel of predictive analytics".
    Assumes that customers are independent of each other.

    Three of four against a prediction of 0.5: log 3.

    >>> found = calibration_in_the_large(np.array([1.0, 1.0, 1.0, 0.0]), np.full(4, 0.5), np.arange(4))
    >>> round(found.value, 4), found.lo < 0 < found.hi
    (1.0986, True)
    """
    if outcome.min() == outcome.max():
        value = intercept_shift(probability, float(outcome.mean()))
        return Interval(value=value, lo=float("nan"), hi=float("nan"))
    constant = np.ones((outcome.size, 1))
    return _coefficient(outcome, constant, offset=log_odds(probability), customers=customers)


def calibration_slope(outcome: Floats, probability: Floats, customers: Ints) -> Interval:
    """Calibration slope ``b`` of ``logit P(outcome) = a + b log_odds(p)``: below 1 is overconfident.

    The intercept is free, so a shift that all rows share does not move the slope.

    Args:
        outcome: (n,) of 0.0/1.0, n > 0.
        probability: (n,) in [0, 1].
        customers: (n,) integer code of the customer of each row.

    Returns:
        Slope with a 95 % interval that is robust to repeated customers; ``nan`` for constant predictions or
        when every outcome is the same.

    Source: Cox 1958. Assumes that customers are independent of each other.

    Observed rates of 1/4 and 3/4 where 0.1 and 0.9 were predicted: log 3 / log 9.

    >>> outcome = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    >>> found = calibration_slope(outcome, np.repeat([0.1, 0.9], 4), np.arange(8))
    >>> round(found.value, 4)
    0.5
    """
    predictor = log_odds(probability)
    if outcome.min() == outcome.max() or float(predictor.std()) < 1e-9:
        return UNDEFINED
    design = np.column_stack([predictor - predictor.mean(), np.ones(outcome.size)])
    return _coefficient(outcome, design, offset=np.zeros(outcome.size), customers=customers)


def _coefficient(outcome: Floats, design: Floats, *, offset: Floats, customers: Ints) -> Interval:
    """First coefficient of a logistic regression, with a standard error robust to repeated customers.

    Newton steps of our own and not statsmodels' GLM: that divides by zero on predictions near 0 or 1,
    which the faults to be detected produce; on sound predictions both agree (a test compares them).
    Source of the standard error: Liang & Zeger 1986.
    """
    coefficients = np.zeros(design.shape[1])
    for _ in range(MOST_STEPS):
        predicted = np.asarray(expit(design @ coefficients + offset))
        bread = np.linalg.inv(_information(design, predicted))
        step = np.clip(bread @ (design.T @ (outcome - predicted)), -LARGEST_STEP, LARGEST_STEP)
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-9:
            break
    scores = np.column_stack([np.bincount(customers, (outcome - predicted) * each) for each in design.T])
    variance = bread @ (scores.T @ scores) @ bread
    value, error = float(coefficients[0]), float(np.sqrt(variance[0, 0]))
    return Interval(value=value, lo=value - NORMAL_QUANTILE * error, hi=value + NORMAL_QUANTILE * error)


def _information(design: Floats, predicted: Floats) -> Floats:
    weighted = design * (predicted * (1 - predicted))[:, None]
    return np.asarray(design.T @ weighted + SMALLEST * np.eye(design.shape[1]))
