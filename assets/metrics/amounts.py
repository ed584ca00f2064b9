"""How good predicted amounts are: error, ranking, totals by group and coverage, each with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from assets.metrics.arrays import Flags, Floats, Ints
from assets.metrics.bootstrap import ClusterBootstrap, Interval, Replicates, interval
from assets.metrics.calibration import BINS, bin_of

DAYS_PER_YEAR = 365.0
# A first order of yesterday is not a rate per day yet.
LEAST_TENURE_DAYS = 30.0
GONE_AFTER_DAYS = 180.0
# An expectation of nothing, or next to it, counts as a hundredth of the mean amount: whoever then spends
# would cost infinitely much.
LEAST_EXPECTATION = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTotal:
    """Predicted against realised total of some rows.

    ``ci_lo`` and ``ci_hi`` are a 95 % interval of the realised total, given who is in the group: the
    errors of the same customers are drawn again. A prediction outside it is off by more than chance.
    """

    group: str
    n: int
    predicted_total: float
    realised_total: float
    ci_lo: float
    ci_hi: float

    @property
    def is_within(self) -> bool:
        """Whether the predicted total is what chance alone could explain."""
        return self.ci_lo <= self.predicted_total <= self.ci_hi


def wape(realised: Floats, predicted: Floats) -> float:
    """Sum of absolute errors over the sum of absolute realised amounts; 0 is perfect, ``nan`` without any.

    >>> wape(np.array([10.0, 0.0]), np.array([7.0, 2.0]))
    0.5
    """
    total = float(np.abs(realised).sum())
    return float(np.abs(predicted - realised).sum()) / total if total > 0 else float("nan")


def amount_accuracy(realised: Floats, predicted: Floats, resamples: ClusterBootstrap) -> Replicates:
    """Five measures, each as (1 + replicates,): the value first, then its replicates.

    Two models on the same rows are compared by ``paired_differences`` of what this gives for each.

    Args:
        realised: (n,) amounts; returns may make some negative.
        predicted: (n,) amounts.
        resamples: Weights for the same n rows.

    Returns:
        ``wape``; ``deviance`` (Poisson's, per unit of realised amount); ``mean_error`` (predicted minus
        realised, in currency per row); ``total_ratio`` (predicted over realised total); ``gini``
        (normalised: 1 ranks as well as hindsight, 0 as chance).
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
    """Poisson deviance of each row, (n,): least on average for whoever states the mean.

    An absolute error is least for the median, which is 0 for most customers of most shops. So the
    forecasts of means are compared by this, and ``wape`` is told beside it. Amounts below 0 count in full.

    Source: Gneiting 2011, Making and evaluating point forecasts, JASA 106(494).
    """
    least = LEAST_EXPECTATION * max(float(realised.mean()), np.finfo(float).tiny)
    expected = np.maximum(predicted, least)
    surprise = xlogy(np.maximum(realised, 0.0), np.maximum(realised, 0.0)) - realised * np.log(expected)
    return np.asarray(2 * (surprise + expected - realised), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """How much of the amount the best-ranked rows hold, prepared once for many sets of weights.

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
        """Prepare ``realised`` (n,) ranked by ``predicted`` (n,)."""
        order = np.argsort(-predicted, kind="stable")
        ends = np.flatnonzero(np.diff(predicted[order], append=np.nan) != 0)
        return cls(order=order, ends=ends, amounts=realised[order])

    def gini(self, weights: Floats) -> float:
        """Gini coefficient for ``weights`` (n,) in the rows' own order; ``nan`` without an amount."""
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
    """Totals by tenth of the predictions, ``1`` being the highest; equal predictions share a tenth."""
    deciles = BINS - bin_of(predicted)
    return tuple(
        _total(str(each), realised, predicted, resamples, rows=deciles == each)
        for each in np.unique(deciles).tolist()
    )


def totals_by_cohort(
    realised: Floats, predicted: Floats, resamples: ClusterBootstrap, *, cohorts: npt.NDArray[np.generic]
) -> tuple[GroupTotal, ...]:
    """Totals by cohort (n,), such as the quarter of the first order, in the cohorts' own order."""
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
    """Share of rows with ``lo <= realised <= hi``, with its 95 % interval by customer.

    Where many amounts are exactly 0 a sound interval of 80 % holds more than that: no end cuts a heap
    in two. :func:`transform_coverage` has no such excess.
    """
    return _share(((lo <= realised) & (realised <= hi)).astype(np.float64), resamples)


def transform_coverage(
    below: Floats, through: Floats, resamples: ClusterBootstrap, *, level: float
) -> Interval:
    """Share of probability integral transforms in the central ``level``; equals it for a sound forecast.

    Args:
        below: (n,) predicted chance of less than the realised value.
        through: (n,) predicted chance of the realised value or less; a heap counts by the part of it
            that lies in the centre.
        resamples: Weights for the same n rows.
        level: In (0, 1).

    Source: Czado, Gneiting & Held 2009, Predictive model assessment for count data (non-randomised).
    """
    lowest, highest = (1 - level) / 2, (1 + level) / 2
    width = through - below
    inside = np.clip(np.minimum(through, highest) - np.maximum(below, lowest), 0.0, None)
    certain = ((lowest <= through) & (through <= highest)).astype(np.float64)
    share = np.divide(inside, width, out=certain, where=width > 1e-12)
    return _share(share, resamples)


def _share(per_row: Floats, resamples: ClusterBootstrap) -> Interval:
    return interval(float(per_row.mean()), resamples.means(per_row[:, None])[:, 0])


def spend_rate_forecast(
    spend_365d: Floats,
    *,
    tenure_days: Floats,
    days_since_order: Floats,
    horizons_days: Sequence[float],
    gone_after_days: float = GONE_AFTER_DAYS,
) -> Floats:
    """The formula of a spreadsheet, as (n, horizons): spend per day of the past year times the horizon.

    Whoever has been silent for longer than ``gone_after_days`` is expected to spend nothing.

    Args:
        spend_365d: (n,) amount of the past 365 days; a negative one counts as 0.
        tenure_days: (n,) days since the first order; who is newer than a year has fewer days to divide by,
            but at least 30.
        days_since_order: (n,) days since the last order; ``nan`` (none) counts as gone.
        horizons_days: Days ahead.
        gone_after_days: The recency rule.
    """
    days = np.clip(tenure_days, LEAST_TENURE_DAYS, DAYS_PER_YEAR)
    rate = np.where(days_since_order <= gone_after_days, np.maximum(spend_365d, 0.0) / days, 0.0)
    return np.asarray(rate[:, None] * np.asarray(horizons_days, dtype=np.float64), dtype=np.float64)
