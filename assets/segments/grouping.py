"""How many groups there are, and where: chosen by whether they come back and lie apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_samples, silhouette_score

from assets.metrics.arrays import Floats, Ints
from assets.metrics.bootstrap import NORMAL_QUANTILE
from assets.segments.model import SegmentationSpec

STARTS = 4
# Silhouettes on 2,000 customers differ by so much from one draw of them to the next.
EQUALLY_FAR = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class KResult:
    """One number of groups and how it did.

    Attributes:
        k: Number of groups.
        stability: Mean adjusted Rand index of two fits on disjoint halves, each assigning everybody.
        stability_sd: Standard deviation of it over the draws.
        silhouette: Mean silhouette: 1 far apart, 0 touching.
        smallest_share: Share of the smallest group.
    """

    k: int
    stability: float
    stability_sd: float
    silhouette: float
    smallest_share: float
    draws: int
    n: int


def fit_groups(points: Floats, *, k: int, seed: int) -> KMeans:
    """K-means of ``points`` (n, d)."""
    return KMeans(n_clusters=k, n_init=STARTS, random_state=seed).fit(points)


def tried(points: Floats, segmentation: SegmentationSpec) -> list[KResult]:
    """Every number of groups from 2 on, on at most ``stability_rows`` of the ``points`` (n, d)."""
    rng = np.random.default_rng(segmentation.seed)
    sample = points[rng.permutation(len(points))[: segmentation.stability_rows]]
    return [
        _try(sample, k, segmentation=segmentation)
        for k in range(2, segmentation.most_segments + 1)
        if k <= len(np.unique(sample, axis=0))
    ]


def chosen(table: Sequence[KResult], segmentation: SegmentationSpec) -> KResult | None:
    """Of the numbers of groups that come back, the one whose groups lie farthest apart; else ``None``.

    Comes back: fits on two halves of the customers agree by ``rules.stability`` or more on average, every
    group is large enough, and groups lie apart at all. Of equals the larger says more.

    Source:
        Ben-Hur, Elisseeff & Guyon 2002 (stability under subsampling); Rousseeuw 1987 (silhouette).
    """
    rules = segmentation.rules
    sound = [
        each
        for each in table
        if each.stability >= rules.stability
        and each.smallest_share >= rules.smallest_share
        and each.silhouette > 0
    ]
    farthest = max((each.silhouette for each in sound), default=0.0)
    equals = [each for each in sound if each.silhouette >= farthest - EQUALLY_FAR]
    return max(equals, key=lambda each: each.k, default=None)


def separation_gain(points: Floats, new: Ints, old: Ints) -> tuple[float, float, float]:
    """Silhouette of grouping ``new`` minus that of ``old`` on the same ``points``, with a 95 % interval.

    Args:
        points: Coordinates, shape (n, d); everybody is compared with everybody, so at most some thousands.
        new: Groups, shape (n,).
        old: Groups, shape (n,).

    Returns:
        Mean difference, lower and upper end. A grouping into a single group has silhouette 0.
    """
    difference = _silhouettes(points, new) - _silhouettes(points, old)
    reach = NORMAL_QUANTILE * float(difference.std()) / np.sqrt(len(difference))
    mean = float(difference.mean())
    return mean, mean - reach, mean + reach


def _silhouettes(points: Floats, groups: Ints) -> Floats:
    if not 1 < len(np.unique(groups)) < len(points):
        return np.zeros(len(points))
    return np.asarray(silhouette_samples(points, groups), dtype=np.float64)


def _try(sample: Floats, k: int, *, segmentation: SegmentationSpec) -> KResult:
    rng = np.random.default_rng(segmentation.seed + k)
    agreements = []
    for _ in range(segmentation.stability_draws):
        halves = np.array_split(rng.permutation(len(sample)), 2)
        one, other = (fit_groups(sample[half], k=k, seed=int(rng.integers(2**31))) for half in halves)
        agreements.append(adjusted_rand_score(one.predict(sample), other.predict(sample)))
    groups = fit_groups(sample, k=k, seed=segmentation.seed).labels_
    few = slice(segmentation.silhouette_rows)
    lone = len(np.unique(groups[few])) < 2
    return KResult(
        k=k,
        stability=float(np.mean(agreements)),
        stability_sd=float(np.std(agreements, ddof=1)),
        silhouette=0.0 if lone else float(silhouette_score(sample[few], groups[few])),
        smallest_share=float(np.bincount(groups, minlength=k).min() / len(groups)),
        draws=len(agreements),
        n=len(sample),
    )
