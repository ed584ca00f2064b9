"""Metrics of predicted amounts: error, ranking, totals by group and interval coverage."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from assets.metrics.arrays import Flags, Floats, Ints
from assets.metrics.bootstrap import ClusterBootstrap, Interval, Replicates, interval
from assets.metrics.calibration import BINS, bin_of

DAYS_PER_YEAR = 365.0
GONE_AFTER_DAYS = 180.0
# A prediction of nothing, or next to it, counts as a hundredth of the mean amount: an amount above 0 would
# otherwise have an infinite deviance.
LEAST_EXPECTATION = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTotal:
    """Predicted and realised total of a group of rows.

    Attributes:
        group: Name of the group.
        n: Rows.
        predicted_total, realised_total: In the currency of the amounts.
        ci_lo, ci_hi: 95 % interval of the realised total, given the members of the group: the errors of the
            same customers are resampled. A predicted total outside it is off by more than chance.
    """

    group: str
    n: int
    predicted_total: float
    realised_total: float
    ci_lo: float
    ci_hi: float

    @property
    def is_within(self) -> bool:
        """Whether chance alone could explain the difference of predicted and realised total.

        >>> GroupTotal(
        ...     group="1", n=9, predicted_total=95.0, realised_total=100.0, ci_lo=90.0, ci_hi=110.0
        ... ).is_within
        True
        """
        return self.ci_lo <= self.predicted_total <= self.ci_hi


def wape(realised: Floats, predicted: Floats) -> float:
    """Weighted absolute percentage error: ``sum of |predicted - realised| / sum of |realised|``.

    Args:
        realised: (n,) amounts.
        predicted: (n,) amounts in the same currency.

    Returns:
        >= 0, 0 is perfect; ``nan`` when nothing was realised. Least for the median, see
        :func:`poisson_deviances`.

    Source: Kolassa & Schütz 2007, Advantages of the MAD/mean ratio over the MAPE.

    >>> wape(np.array([10.0, 0.0]), np.array([7.0, 2.0]))
    0.5
    """
    total = float(np.abs(realised).sum())
    return float(np.abs(predicted - realised).sum()) / total if total > 0 else float("nan")


def amount_accuracy(realised: Floats, predicted: Floats, resamples: ClusterBootstrap) -> Replicates:
    """Five metrics of predicted amounts with their bootstrap replicates.

    Two models on the same rows are compared by ``paired_differences`` of their results.

    Args:
        realised: (n,) amounts; returns may make some negative.
        predicted: (n,) amounts in the same currency.
        resamples: Weights for the same n rows.

    Returns:
        Each as (1 + r,), the value first, then its replicates: ``wape``; ``deviance`` (Poisson's, per unit of
        realised amount); ``mean_error`` (predicted minus realised, in currency per row); ``total_ratio``
        (predicted over realised total); ``gini`` (normalised: 1 for the order of the realised amounts, 0 for
        a random order).

    >>> once = ClusterBootstrap(codes=np.array([0, 1]), weights=np.ones((1, 2), dtype=np.float32))
    >>> found = amount_accuracy(np.array([30.0, 10.0]), np.array([20.0, 10.0]), once)
    >>> {name: round(float(found[name][0]), 4) for name in ("wape", "mean_error", "total_ratio", "gini")}
    {'wape': 0.25, 'mean_error': -5.0, 'total_ratio': 0.75, 'gini': 1.0}
    """
    errors = [np.abs(predicted - realised), np.abs(realised), poisson_deviances(realised, predicted)]
    per_row = np.column_stack([*errors, predicted, realised])
    means = np.vstack([per_row.mean(axis=0), resamples.means(per_row)])
    ranks, hindsight = Concentration.of(realised, predicted), Concentration.of(realised, realised)
    weights = (np.ones(resamples.weights.shape[1], dtype=np.float32), *resamples.weights)
    drawn = (each[resamples.codes].astype(np.float64) for each in weights)
    gini = np.array([_ratio(ranks.gini(each), hindsight.gini(each)) for each in drawn])
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "wape": means[:, 0] / means[:, 1],
            "deviance": means[:, 2] / means[:, 4],
            "mean_error": means[:, 3] - means[:, 4],
            "total_ratio": means[:, 3] / means[:, 4],
            "gini": gini,
        }


def poisson_deviances(realised: Floats, predicted: Floats) -> Floats:
    """Poisson deviance ``2 (y log(y / m) - y + m)`` of each row: its mean is least for the true mean m.

    An absolute error is least for the median, which is 0 for most customers of most shops. So forecasts of
    means are compared by the deviance, and ``wape`` is reported beside it. Amounts below 0 count in full.

    Args:
        realised: (n,) amounts y.
        predicted: (n,) predicted means m; raised to at least a hundredth of the mean realised amount.

    Returns:
        (n,) in the unit of the amounts; >= 0 where the amount is >= 0.

    Source: Gneiting 2011, Making and evaluating point forecasts, JASA 106(494).

    ``2 (10 log 2 - 10 + 5)``, and nothing where the prediction is right:

    >>> poisson_deviances(np.array([10.0, 4.0]), np.array([5.0, 4.0])).round(4).tolist()
    [3.8629, 0.0]
    """
    least = LEAST_EXPECTATION * max(float(realised.mean()), np.finfo(float).tiny)
    expected = np.maximum(predicted, least)
    surprise = xlogy(np.maximum(realised, 0.0), np.maximum(realised, 0.0)) - realised * np.log(expected)
    return np.asarray(2 * (surprise + expected - realised), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """Concentration curve: share of the amount that the best-ranked rows hold, sorted once for all weights.

    Attributes:
        order: (n,) rows, best prediction first.
        ends: (k,) last position of each run of equal predictions, so that ties are not ranked.
        amounts: (n,) realised amounts in that order.
    """

    order: Ints
    ends: Ints
    amounts: Floats

    @classmethod
    def of(cls, realised: Floats, predicted: Floats) -> Self:
        """Sort ``realised`` (n,) by ``predicted`` (n,), best first.

        >>> curve = Concentration.of(np.array([5.0, 1.0, 4.0]), np.array([2.0, 7.0, 2.0]))
        >>> curve.order.tolist(), curve.ends.tolist(), curve.amounts.tolist()
        ([1, 0, 2], [0, 2], [1.0, 5.0, 4.0])
        """
        order = np.argsort(-predicted, kind="stable")
        ends = np.flatnonzero(np.diff(predicted[order], append=np.nan) != 0)
        return cls(order=order, ends=ends, amounts=realised[order])

    def gini(self, weights: Floats) -> float:
        """Gini coefficient of the concentration curve: twice the area below it, minus 1.

        Args:
            weights: (n,) >= 0 in the original order of the rows.

        Returns:
            In [-1, 1] for amounts >= 0, 0 for a random order; ``nan`` without a positive total.

        Source: Frees, Meyers & Cummings 2011, Summarizing insurance scores using a Gini index.

        The first of two rows holds everything: area 0.5 / 2 + 0.5 = 0.75.

        >>> Concentration.of(np.array([8.0, 0.0]), np.array([3.0, 1.0])).gini(np.ones(2))
        0.5
        """
        drawn = weights[self.order]
        rows = np.r_[0.0, np.cumsum(drawn)[self.ends]]
        held = np.r_[0.0, np.cumsum(drawn * self.amounts)[self.ends]]
        if rows[-1] <= 0 or held[-1] <= 0:
            return float("nan")
        return float(2 * np.trapezoid(held / held[-1], rows / rows[-1]) - 1)


def _ratio(ours: float, best: float) -> float:
    return ours / best if best > 0 else float("nan")


def totals_by_decile(
    realised: Floats, predicted: Floats, resamples: ClusterBootstrap
) -> tuple[GroupTotal, ...]:
    """Totals by decile of the predictions, ``1`` being the highest; equal predictions share a decile.

    Args:
        realised: (n,) amounts, n > 0.
        predicted: (n,) amounts in the same currency.
        resamples: Weights for the same n rows.

    >>> once = ClusterBootstrap(codes=np.arange(4), weights=np.ones((1, 4), dtype=np.float32))
    >>> found = totals_by_decile(np.array([9.0, 8.0, 2.0, 0.0]), np.array([7.0, 7.0, 1.0, 1.0]), once)
    >>> [(each.n, each.predicted_total, each.realised_total) for each in found]
    [(2, 14.0, 17.0), (2, 2.0, 2.0)]
    """
    deciles = BINS - bin_of(predicted)
    return tuple(
        _total(str(each), realised, predicted, resamples, rows=deciles == each)
        for each in np.unique(deciles).tolist()
    )


def totals_by_cohort(
    realised: Floats, predicted: Floats, resamples: ClusterBootstrap, *, cohorts: npt.NDArray[np.generic]
) -> tuple[GroupTotal, ...]:
    """Totals by cohort, such as the quarter of the first order, sorted by the cohort's name.

    Args:
        realised: (n,) amounts.
        predicted: (n,) amounts in the same currency.
        resamples: Weights for the same n rows.
        cohorts: (n,) cohort of each row.

    >>> once = ClusterBootstrap(codes=np.arange(3), weights=np.ones((1, 3), dtype=np.float32))
    >>> quarters = np.array(["2024-Q2", "2024-Q1", "2024-Q2"])
    >>> found = totals_by_cohort(np.array([9.0, 8.0, 2.0]), np.full(3, 5.0), once, cohorts=quarters)
    >>> [(each.group, each.predicted_total, each.realised_total) for each in found]
    [('2024-Q1', 5.0, 8.0), ('2024-Q2', 10.0, 11.0)]
    """
    return tuple(
        _total(str(each), realised, predicted, resamples, rows=cohorts == each)
        for each in sorted(set(cohorts.tolist()))
    )


def _total(
    group: str, realised: Floats, predicted: Floats, resamples: ClusterBootstrap, *, rows: Flags
) -> GroupTotal:
    n, expected = int(rows.sum()), float(predicted[rows].sum())
    errors = (realised - predicted)[rows]
    drawn = resamples.of(rows).means(errors[:, None])[:, 0]
    of_error = interval(float(errors.mean()), drawn)
    return GroupTotal(
        group=group,
        n=n,
        predicted_total=expected,
        realised_total=float(realised[rows].sum()),
        ci_lo=expected + n * of_error.lo,
        ci_hi=expected + n * of_error.hi,
    )


def coverage(realised: Floats, lo: Floats, hi: Floats, resamples: ClusterBootstrap) -> Interval:
    """Interval coverage: share of rows with ``lo <= realised <= hi``, with its 95 % interval by customer.

    Where many amounts are exactly 0, a correct interval of 80 % covers more than that: no bound divides a
    point mass. :func:`transform_coverage` has no such excess.

    Args:
        realised: (n,) amounts.
        lo: (n,) lower bounds.
        hi: (n,) upper bounds.
        resamples: Weights for the same n rows.

    >>> once = ClusterBootstrap(codes=np.arange(4), weights=np.ones((1, 4), dtype=np.float32))
    >>> coverage(np.array([0.0, 5.0, 9.0, 4.0]), np.zeros(4), np.array([0.0, 5.0, 8.0, 6.0]), once).value
    0.75
    """
    return _share(((lo <= realised) & (realised <= hi)).astype(np.float64), resamples)


def transform_coverage(
    below: Floats, through: Floats, resamples: ClusterBootstrap, *, level: float
) -> Interval:
    """Share of probability integral transforms in the central ``level``; equals it for a correct forecast.

    A row counts by the part of ``[below, through]`` that lies in ``[(1 - level) / 2, (1 + level) / 2]``.

    Args:
        below: (n,) predicted probability of less than the realised value, in [0, 1].
        through: (n,) predicted probability of the realised value or less, in [0, 1]; above ``below`` for a
            point mass.
        resamples: Weights for the same n rows.
        level: Nominal coverage, in (0, 1).

    Source: Czado, Gneiting & Held 2009, Predictive model assessment for count data (non-randomised).

    Central half 0.25 to 0.75: half of the point mass 0 to 0.5 lies in it, the point 0.8 does not.

    >>> once = ClusterBootstrap(codes=np.arange(2), weights=np.ones((1, 2), dtype=np.float32))
    >>> transform_coverage(np.array([0.0, 0.8]), np.array([0.5, 0.8]), once, level=0.5).value
    0.25
    """
    lowest, highest = (1 - level) / 2, (1 + level) / 2
    width = through - below
    inside = np.clip(np.minimum(through, highest) - np.maximum(below, lowest), 0.0, None)
    certain = ((lowest <= through) & (through <= highest)).astype(np.float64)
    share = np.divide(inside, width, out=certain, where=width > 1e-12)
    return _share(share, resamples)


def _share(per_row: Floats, resamples: ClusterBootstrap) -> Interval:
    return interval(float(per_row.mean()), resamples.means(per_row[:, None])[:, 0])
