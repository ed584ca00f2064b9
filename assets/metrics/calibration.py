"""Whether probabilities mean what they say: bins, level and slope."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from statsmodels.stats.proportion import proportion_confint

from assets.metrics.arrays import Flags, Floats, Ints
from assets.metrics.bootstrap import NORMAL_QUANTILE, Interval
from assets.metrics.classification import SMALLEST, intercept_shift, log_odds

BINS = 10
MOST_STEPS = 50
LARGEST_STEP = 1.0
UNDEFINED = Interval(value=float("nan"), lo=float("nan"), hi=float("nan"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """One tenth of the rows by probability: what was said, what happened, and how sure that is."""

    bin: int
    n: int
    mean_predicted: float
    actual_rate: float
    ci_lo: float
    ci_hi: float


def calibration_bins(
    outcome: Floats, probability: Floats, customers: Ints | None = None
) -> tuple[CalibrationBin, ...]:
    """Up to ten bins of equal size by probability, with Wilson intervals.

    Args:
        outcome: (n,) of 0/1.
        probability: (n,) in [0, 1]; equal probabilities stay in one bin, so there may be fewer bins.
        customers: (n,) integer code of the customer of each row, or ``None`` when each row is its own.
            A customer's weekly rows share most of their outcome window, so the interval counts
            customers, not rows: too wide rather than too narrow.

    Source: Wilson 1927 for the interval.
    """
    placed = bin_of(probability)
    codes = np.arange(outcome.size) if customers is None else customers
    return tuple(
        _bin(number + 1, outcome[rows], probability=probability[rows], customers=codes[rows])
        for number in range(BINS)
        if (rows := placed == number).any()
    )


def bin_of(probability: Floats) -> Ints:
    """The tenth, 0 to 9, that each probability falls into; equal probabilities share theirs."""
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
        actual_rate=rate,
        ci_lo=float(lo),
        ci_hi=float(hi),
    )


def expected_calibration_error(bins: tuple[CalibrationBin, ...]) -> float:
    """Mean distance of rate to prediction over ``bins``, weighted by rows; in [0, 1].

    Source: Naeini, Cooper & Hauskrecht 2015. Sampling noise alone makes it positive.
    """
    rows = sum(each.n for each in bins)
    return sum(each.n * abs(each.actual_rate - each.mean_predicted) for each in bins) / rows


def shift_per_day(outcome: Floats, probability: Floats, day: Ints) -> Floats:
    """:func:`intercept_shift` of each row's as-of date: the period effect that all customers share.

    Args:
        outcome: (n,) of 0/1.
        probability: (n,) in [0, 1].
        day: (n,) any integer code of the as-of date.

    Returns:
        (n,) log-odds, equal within an as-of date.
    """
    shifts = np.zeros(outcome.size)
    for each in np.unique(day):
        rows: Flags = day == each
        shifts[rows] = intercept_shift(probability[rows], float(outcome[rows].mean()))
    return shifts


def calibration_in_the_large(outcome: Floats, probability: Floats, customers: Ints) -> Interval:
    """Calibration in the large, in log-odds: 0 when the mean prediction equals the rate.

    The interval is robust to repeated ``customers`` (n,). ``nan`` bounds when every outcome is the same.

    Source: Cox 1958; Van Calster et al. 2019, "Calibration: the Achilles heel of predictive analytics".
    """
    if outcome.min() == outcome.max():
        value = intercept_shift(probability, float(outcome.mean()))
        return Interval(value=value, lo=float("nan"), hi=float("nan"))
    constant = np.ones((outcome.size, 1))
    return _coefficient(outcome, constant, offset=log_odds(probability), customers=customers)


def calibration_slope(outcome: Floats, probability: Floats, customers: Ints) -> Interval:
    """Slope of the outcome on the predicted log-odds: 1 is right, below 1 is overconfident.

    The intercept is free, so a shift that all share does not move the slope. ``nan`` when there is
    nothing to tell apart: constant predictions or one kind of outcome.

    Source: Cox 1958.
    """
    log_odds_predicted = log_odds(probability)
    if outcome.min() == outcome.max() or float(log_odds_predicted.std()) < 1e-9:
        return UNDEFINED
    design = np.column_stack([log_odds_predicted - log_odds_predicted.mean(), np.ones(outcome.size)])
    return _coefficient(outcome, design, offset=np.zeros(outcome.size), customers=customers)


def _coefficient(outcome: Floats, design: Floats, *, offset: Floats, customers: Ints) -> Interval:
    """First coefficient of a logistic regression, with an error robust to repeated customers.

    Newton steps of our own and not statsmodels' GLM: that divides by zero on predictions near 0 or 1,
    which is what the faults we look for produce; on sound ones both agree (a test compares them).
    Source of the error: Liang & Zeger 1986.
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
