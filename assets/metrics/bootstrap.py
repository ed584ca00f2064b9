"""Intervals that respect repeated customers: whole customers are drawn, never single rows."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value and its 95 % interval."""

    value: float
    lo: float
    hi: float

    def __str__(self) -> str:
        """The three numbers as a person reads them."""
        return f"{self.value:.4f} [{self.lo:.4f}, {self.hi:.4f}]"


def interval(value: float, replicates: Floats) -> Interval:
    """``value`` with the central 95 % of ``replicates``; ``nan`` bounds when no replicate is a number."""
    usable = replicates[np.isfinite(replicates)]
    if usable.size == 0:
        return Interval(value=value, lo=float("nan"), hi=float("nan"))
    lo, hi = np.quantile(usable, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value=value, lo=float(lo), hi=float(hi))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterBootstrap:
    """Bootstrap weights by customer: row ``i`` weighs ``weights[replicate, codes[i]]`` in a replicate.

    One object serves every model and slice judged on the same rows, which is what makes their
    differences paired.
    """

    codes: Ints
    weights: npt.NDArray[np.float32]

    @classmethod
    def by_customer(
        cls, customers: npt.NDArray[np.generic], *, replicates: int, rng: np.random.Generator
    ) -> Self:
        """Draw ``replicates`` sets of weights, one Poisson(1) count per customer.

        Source: Hanley & MacGibbon 2006, Poisson frequencies in place of multinomial ones, which
        do not depend on each other and so are drawn at once. Assumes that customers are independent:
        a period effect that moves them all is not in these intervals.
        """
        codes, distinct = pd.factorize(customers)
        weights = rng.poisson(1.0, size=(replicates, len(distinct))).astype(np.float32)
        return cls(codes=codes.astype(np.int64), weights=weights)

    def of(self, rows: Flags) -> "ClusterBootstrap":
        """The same draws for a part of the rows."""
        return ClusterBootstrap(codes=self.codes[rows], weights=self.weights)

    def means(self, per_row: Floats) -> Floats:
        """Weighted mean of each column of ``per_row`` (n, k) in every replicate, as (replicates, k)."""
        columns = [np.bincount(self.codes, column, self.weights.shape[1]) for column in per_row.T]
        sums = self.weights @ np.column_stack(columns)
        rows = self.weights @ np.bincount(self.codes, minlength=self.weights.shape[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(sums / rows[:, None], dtype=np.float64)


Replicates = Mapping[str, Floats]


def classification_metrics(outcome: Floats, probability: Floats, resamples: ClusterBootstrap) -> Replicates:
    """Four measures of accuracy, each as (1 + replicates,): the value first, then its replicates.

    Args:
        outcome: (n,) of 0/1.
        probability: (n,) in [0, 1].
        resamples: Weights for the same n rows.

    Returns:
        ``auc``, ``average_precision``, ``log_loss`` (nats) and ``brier``.
    """
    per_row = np.column_stack([log_losses(outcome, probability), (probability - outcome) ** 2])
    means = np.vstack([per_row.mean(axis=0), resamples.means(per_row)])
    ranks = _ranks(Ranking.of(outcome, probability), resamples)
    return {
        "auc": ranks[:, 0],
        "average_precision": ranks[:, 1],
        "log_loss": means[:, 0],
        "brier": means[:, 1],
    }


def _ranks(ranking: Ranking, resamples: ClusterBootstrap) -> Floats:
    sorted_codes = resamples.codes[ranking.order]
    everyone_once = np.ones(resamples.weights.shape[1], dtype=np.float32)
    return np.asarray(
        [ranking.metrics_sorted(drawn[sorted_codes]) for drawn in (everyone_once, *resamples.weights)],
        dtype=np.float64,
    )


def percentile_intervals(replicates: Replicates, rename: Callable[[str], str] = str) -> dict[str, Interval]:
    """Each measure's value with its interval."""
    return {rename(name): interval(float(all_[0]), all_[1:]) for name, all_ in replicates.items()}


def paired_differences(ours: Replicates, theirs: Replicates) -> Replicates:
    """Ours minus theirs in every replicate: rows both find hard cancel out."""
    return {name: ours[name] - theirs[name] for name in ours}
