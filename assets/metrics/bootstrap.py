"""Cluster bootstrap: confidence intervals that resample customers, because their rows repeat."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from assets.metrics.arrays import Flags, Floats, Ints
from assets.metrics.classification import Ranking, log_losses

CONFIDENCE = 0.95
NORMAL_QUANTILE = 1.959964
# Ranks are counted again in every replicate: the slow part of an evaluation.
RANK_REPLICATES = 200
# 160 MB of weights. With more customers there are fewer replicates, but never fewer than those of ranks.
MOST_DRAWS = 40_000_000
# Rows of weights that are drawn or multiplied at once; larger blocks would be copied in double precision.
BLOCK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value and its 95 % interval; ``nan`` bounds where there is none."""

    value: float
    lo: float
    hi: float

    def __str__(self) -> str:
        """Format as ``value [lo, hi]``.

        >>> str(Interval(value=0.5, lo=0.25, hi=0.75))
        '0.5000 [0.2500, 0.7500]'
        """
        return f"{self.value:.4f} [{self.lo:.4f}, {self.hi:.4f}]"


def interval(value: float, replicates: Floats) -> Interval:
    """``value`` with the central 95 % of its bootstrap ``replicates``.

    Args:
        value: The metric on the rows as they are.
        replicates: (r,) the metric on each resample; entries that are not finite are left out.

    Returns:
        Percentile interval; ``nan`` bounds when no replicate is finite.

    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, 13.3. Too narrow for few customers.

    The 2.5 % and 97.5 % quantiles of 0, 1, … 40:

    >>> str(interval(20.5, np.arange(41.0)))
    '20.5000 [1.0000, 39.0000]'
    """
    usable = replicates[np.isfinite(replicates)]
    if usable.size == 0:
        return Interval(value=value, lo=float("nan"), hi=float("nan"))
    lo, hi = np.quantile(usable, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value=value, lo=float(lo), hi=float(hi))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterBootstrap:
    """Bootstrap weights by customer: row ``i`` has ``weights[r, codes[i]]`` in replicate ``r``.

    One object serves every model and slice evaluated on the same rows, so that differences are paired.

    Attributes:
        codes: (n,) customer of each row, 0 to c - 1.
        weights: (r, c) number of times that each customer is drawn.
    """

    codes: Ints
    weights: npt.NDArray[np.float32]

    @classmethod
    def by_customer(
        cls, customers: npt.NDArray[np.generic], *, replicates: int, rng: np.random.Generator
    ) -> Self:
        """Draw ``replicates`` sets of weights, one Poisson(1) count per customer.

        Args:
            customers: (n,) ids, of any type.
            replicates: Number of resamples r > 0; fewer, but at least 200, from ``MOST_DRAWS`` draws on.
            rng: Source of the draws.

        Source: Hanley & MacGibbon 2006: Poisson frequencies in place of multinomial ones, which do not depend
        on each other and are drawn at once. Assumes that customers are independent: a period effect that
        moves them all is not in these intervals.

        >>> ids, rng = np.array(["ann", "bob", "ann"]), np.random.default_rng(0)
        >>> drawn = ClusterBootstrap.by_customer(ids, replicates=200, rng=rng)
        >>> drawn.codes.tolist(), drawn.weights.shape
        ([0, 1, 0], (200, 2))
        """
        # Sorted, so that a customer gets the same draws in whatever order the rows come.
        codes, distinct = pd.factorize(customers, sort=True)
        affordable = max(RANK_REPLICATES, MOST_DRAWS // max(len(distinct), 1))
        weights = np.empty((min(replicates, affordable), len(distinct)), dtype=np.float32)
        for start in range(0, len(weights), BLOCK):
            block = weights[start : start + BLOCK]
            block[:] = rng.poisson(1.0, size=block.shape)
        return cls(codes=codes.astype(np.int64), weights=weights)

    def of(self, rows: Flags) -> "ClusterBootstrap":
        """The same draws for the rows where ``rows`` (n,) is true.

        >>> whole = ClusterBootstrap(codes=np.array([0, 1, 0]), weights=np.ones((2, 2), dtype=np.float32))
        >>> whole.of(np.array([False, True, True])).codes.tolist()
        [1, 0]
        """
        return ClusterBootstrap(codes=self.codes[rows], weights=self.weights)

    def means(self, per_row: Floats) -> Floats:
        """Weighted mean of each column in every replicate.

        Args:
            per_row: (n, k) values.

        Returns:
            (r, k) means; ``nan`` in a replicate that draws none of the rows.

        Drawing the first customer twice and the second once: (2 * 1 + 2 * 3 + 1 * 7) / 5.

        >>> weights = np.array([[1, 1], [2, 1]], dtype=np.float32)
        >>> drawn = ClusterBootstrap(codes=np.array([0, 1, 0]), weights=weights)
        >>> drawn.means(np.array([[1.0], [7.0], [3.0]])).round(4).tolist()
        [[3.6667], [3.0]]
        """
        columns = np.column_stack([np.ones(len(per_row)), per_row])
        totals = np.column_stack(
            [np.bincount(self.codes, column, self.weights.shape[1]) for column in columns.T]
        )
        blocks = range(0, len(self.weights), BLOCK)
        sums = np.vstack([self.weights[start : start + BLOCK] @ totals for start in blocks])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(sums[:, 1:] / sums[:, :1], dtype=np.float64)


Replicates = Mapping[str, Floats]


def classification_metrics(outcome: Floats, probability: Floats, resamples: ClusterBootstrap) -> Replicates:
    """AUC, average precision, log loss and Brier score with their bootstrap replicates.

    Args:
        outcome: (n,) of 0.0/1.0.
        probability: (n,) in [0, 1].
        resamples: Weights for the same n rows.

    Returns:
        ``auc``, ``average_precision``, ``log_loss`` (nats) and ``brier``, each as (1 + r,): the value first,
        then its replicates; of the first two at most ``RANK_REPLICATES``.

    >>> once = ClusterBootstrap(codes=np.array([0, 1]), weights=np.ones((1, 2), dtype=np.float32))
    >>> found = classification_metrics(np.array([1.0, 0.0]), np.array([0.8, 0.1]), once)
    >>> {name: values.round(4).tolist() for name, values in found.items() if name in ("auc", "brier")}
    {'auc': [1.0, 1.0], 'brier': [0.025, 0.025]}
    """
    per_row = np.column_stack([log_losses(outcome, probability), (probability - outcome) ** 2])
    means = np.vstack([per_row.mean(axis=0), resamples.means(per_row)])
    ranks = _rank_metrics(Ranking.of(outcome, probability), resamples)
    return {
        "auc": ranks[:, 0],
        "average_precision": ranks[:, 1],
        "log_loss": means[:, 0],
        "brier": means[:, 1],
    }


def _rank_metrics(ranking: Ranking, resamples: ClusterBootstrap) -> Floats:
    """AUC and average precision as (1 + r, 2), of the first replicates."""
    sorted_codes = resamples.codes[ranking.order]
    unweighted = np.ones(resamples.weights.shape[1], dtype=np.float32)
    drawn = (unweighted, *resamples.weights[:RANK_REPLICATES])
    return np.asarray(
        [ranking.metrics_sorted(each[sorted_codes]) for each in drawn],
        dtype=np.float64,
    )


def percentile_intervals(replicates: Replicates, rename: Callable[[str], str] = str) -> dict[str, Interval]:
    """Each metric's value with its percentile interval.

    Args:
        replicates: (1 + r,) per metric, the value first.
        rename: Name of the result, from the metric's name.

    >>> found = percentile_intervals({"auc": np.array([0.7, 0.6, 0.8])}, rename="champion_{}".format)
    >>> {name: str(each) for name, each in found.items()}
    {'champion_auc': '0.7000 [0.6050, 0.7950]'}
    """
    return {rename(name): interval(float(values[0]), values[1:]) for name, values in replicates.items()}


def paired_differences(ours: Replicates, theirs: Replicates) -> Replicates:
    """``ours`` minus ``theirs`` in every replicate: rows that are difficult for both cancel out.

    Assumes that both come from the same rows and the same :class:`ClusterBootstrap`.

    Args:
        ours: (1 + r,) per metric.
        theirs: (1 + r,) per metric, at least those of ``ours``.

    >>> ours, theirs = {"auc": np.array([0.75, 0.5])}, {"auc": np.array([0.5, 0.25])}
    >>> paired_differences(ours, theirs)["auc"].tolist()
    [0.25, 0.25]
    """
    return {name: ours[name] - theirs[name] for name in ours}
