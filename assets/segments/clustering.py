"""K-means segments: the number of segments by stability and silhouette, fit, assignment, comparison."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_samples, silhouette_score

from assets.lifecycle.capability import InsufficientData
from assets.metrics.arrays import Floats, Ints
from assets.metrics.bootstrap import NORMAL_QUANTILE, Interval
from assets.segments.matching import SegmentKeys, assign_keys, match_clusters, overlaps
from assets.segments.scaling import FeatureScaler, coordinates, fit_scalers
from assets.segments.spec import SegmentationSpec

TOO_FEW = "too_few_customers"
ALIKE = "customers_do_not_differ"
UNSTABLE = "no_stable_segments"

STARTS = 4
# Silhouettes on 2,000 customers differ by so much from one draw of them to the next.
SILHOUETTE_NOISE = 0.005


class NoSegments(InsufficientData):
    """The customers cannot be clustered; ``code`` is the reason in one word, for their rows."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class KResult:
    """One number of segments and how it did.

    Attributes:
        k: Number of segments.
        stability: Mean adjusted Rand index of two fits on disjoint halves, each assigning all customers.
        stability_sd: Standard deviation of it over the draws.
        silhouette: Mean silhouette: 1 far apart, 0 touching.
        smallest_share: Share of the smallest segment.
    """

    k: int
    stability: float
    stability_sd: float
    silhouette: float
    smallest_share: float
    draws: int
    n: int

    def __str__(self) -> str:
        return (
            f"{self.k} segments, refits on halves of {self.n:,} customers agree by {self.stability:.2f} "
            f"(adjusted Rand index), silhouette {self.silhouette:.2f}, smallest {self.smallest_share:.1%}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The selected number of segments, and every number that was tried."""

    best: KResult
    results: tuple[KResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationModel:
    """Fitted centres, scaling, and keys and names of the segments."""

    kmeans: KMeans
    scalers: tuple[FeatureScaler, ...]
    segment_keys: SegmentKeys

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it needs."""
        return tuple(scaler.column for scaler in self.scalers)

    @property
    def k(self) -> int:
        """Number of segments."""
        return len(self.segment_keys.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Each customer's segment and how surely.

    Attributes:
        segment: (n,) nearest segment.
        distance: (n,) distance to its centre, in standard deviations.
        runner_up: (n,) second nearest segment.
        margin: (n,) how much farther that is, as a share of it: 0 on the border, 1 at the centre.
    """

    segment: Ints
    distance: Floats
    runner_up: Ints
    margin: Floats


def select_segments(sample: pd.DataFrame, segmentation: SegmentationSpec) -> Selection:
    """Select the number of segments of the customers in ``sample``.

    Args:
        sample: One row per customer with the feature columns.
        segmentation: Features, numbers that are tried, and rules.

    Raises:
        NoSegments: There are too few customers, they do not differ, or no number of segments is stable.
    """
    least = segmentation.rules.customers
    if len(sample) < least:
        raise NoSegments(TOO_FEW, f"{len(sample):,} customers; at least {least}")
    scalers = fit_scalers(sample, segmentation.clustering_features)
    if not scalers:
        raise NoSegments(ALIKE, "customers do not differ in any clustering feature")
    results = _evaluate_each_k(coordinates(sample, scalers), segmentation)
    best = select_k(results, segmentation)
    if best is None:
        closest = max((each.stability for each in results), default=0.0)
        raise NoSegments(
            UNSTABLE,
            f"no number of segments is stable: refits on halves agree by {closest:.2f} at most, "
            f"needed is {segmentation.rules.stability:.2f}, with every segment large enough",
        )
    return Selection(best=best, results=results)


def _evaluate_each_k(points: Floats, segmentation: SegmentationSpec) -> tuple[KResult, ...]:
    """Every number of segments from 2 on, on at most ``stability_rows`` of the points."""
    rng = np.random.default_rng(segmentation.seed)
    sample = points[rng.permutation(len(points))[: segmentation.stability_rows]]
    return tuple(
        _evaluate_k(sample, k, segmentation=segmentation)
        for k in range(2, segmentation.most_segments + 1)
        if k <= len(np.unique(sample, axis=0))
    )


def select_k(results: Sequence[KResult], segmentation: SegmentationSpec) -> KResult | None:
    """Of the stable numbers of segments the one whose segments lie farthest apart; else ``None``.

    Stable: fits on two halves of the customers agree by ``rules.stability`` or more on average, every
    segment is large enough, and segments lie apart at all. Of equals the larger says more.

    Args:
        results: Every number that was tried.
        segmentation: With the rules.

    Source:
        Ben-Hur, Elisseeff & Guyon 2002 (stability under subsampling); Rousseeuw 1987 (silhouette).
    """
    rules = segmentation.rules
    stable = [
        each
        for each in results
        if each.stability >= rules.stability
        and each.smallest_share >= rules.smallest_share
        and each.silhouette > 0
    ]
    farthest = max((each.silhouette for each in stable), default=0.0)
    equals = [each for each in stable if each.silhouette >= farthest - SILHOUETTE_NOISE]
    return max(equals, key=lambda each: each.k, default=None)


def fit_segments(
    sample: pd.DataFrame,
    segmentation: SegmentationSpec,
    *,
    k: int,
    champion: SegmentationModel | None,
    keys_used: int,
) -> SegmentationModel:
    """Fit ``k`` segments; those that the champion has too keep their keys and names.

    Args:
        sample: One row per customer with the feature columns.
        segmentation: How to cluster.
        k: Number of segments.
        champion: The segmentation that serves, if one does.
        keys_used: Highest number that any published key has: new segments are numbered from there on.
    """
    scalers = fit_scalers(sample, segmentation.clustering_features)
    kmeans = _kmeans(coordinates(sample, scalers), k=k, seed=segmentation.seed)
    by_column = {feature.column: feature for feature in segmentation.clustering_features}
    features = [by_column[scaler.column] for scaler in scalers]
    before, same = None, {}
    if champion is not None and all(name in sample for name in champion.columns):
        before = champion.segment_keys
        overlap = overlaps(kmeans.labels_, assign(champion, sample).segment, shape=(k, champion.k))
        same = match_clusters(overlap, at_least=segmentation.rules.overlap)
    keys = assign_keys(kmeans.cluster_centers_, features, before=before, same=same, keys_used=keys_used)
    return SegmentationModel(kmeans=kmeans, scalers=scalers, segment_keys=keys)


def _kmeans(points: Floats, *, k: int, seed: int) -> KMeans:
    return KMeans(n_clusters=k, n_init=STARTS, random_state=seed).fit(points)


def assign(model: SegmentationModel, rows: pd.DataFrame) -> Assignment:
    """Assign each customer to the nearest segment.

    Args:
        model: A fitted segmentation.
        rows: One row per customer with the columns of ``model``.
    """
    distances = model.kmeans.transform(coordinates(rows, model.scalers))
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :2]
    first, second = np.take_along_axis(distances, nearest, axis=1).T
    margin = np.divide(second - first, second, out=np.zeros(len(first)), where=second > 0)
    return Assignment(segment=nearest[:, 0], distance=first, runner_up=nearest[:, 1], margin=margin)


def unfit_reason(
    champion: SegmentationModel,
    candidate: SegmentationModel,
    *,
    sample: pd.DataFrame,
    segmentation: SegmentationSpec,
) -> str:
    """Why the champion can no longer serve; empty when it can.

    Args:
        champion: The segmentation that serves.
        candidate: The segmentation fitted on ``sample``.
        sample: One row per customer with the feature columns.
        segmentation: With the smallest share of a segment.
    """
    gone = [name for name in champion.columns if name not in sample or sample[name].isna().all()]
    if gone:
        return f"the champion needs {', '.join(gone)}, which no customer has now"
    new = sorted(set(candidate.columns) - set(champion.columns))
    if new:
        return f"customers now differ in {', '.join(new)} too"
    shares = np.bincount(assign(champion, sample).segment, minlength=champion.k) / len(sample)
    if shares.min() < segmentation.rules.smallest_share:
        name = champion.segment_keys.names[int(shares.argmin())]
        return f"segment {name!r} of the champion has only {shares.min():.1%} of the customers left"
    return ""


def compare_silhouettes(
    candidate: SegmentationModel, champion: SegmentationModel, sample: pd.DataFrame
) -> Interval:
    """Silhouette of ``candidate`` minus that of ``champion`` on the same customers, in its coordinates.

    Args:
        candidate: One segmentation.
        champion: Another.
        sample: One row per customer with the columns of both.
    """
    return silhouette_difference(
        coordinates(sample, candidate.scalers),
        assign(candidate, sample).segment,
        assign(champion, sample).segment,
    )


def silhouette_difference(points: Floats, new: Ints, old: Ints) -> Interval:
    """Silhouette of clustering ``new`` minus that of ``old`` on the same points, with a 95 % interval.

    A clustering into a single cluster has silhouette 0.

    Args:
        points: Coordinates, shape (n, d); each is compared with each, so at most some thousands.
        new: Clusters, shape (n,).
        old: Clusters, shape (n,).
    """
    difference = _silhouettes(points, new) - _silhouettes(points, old)
    half_width = NORMAL_QUANTILE * float(difference.std()) / len(difference) ** 0.5
    mean = float(difference.mean())
    return Interval(value=mean, lo=mean - half_width, hi=mean + half_width)


def adjusted_rand(now: pd.Series, before: pd.Series) -> float | None:
    """Adjusted Rand index of two clusterings over the customers who are in both.

    Args:
        now: (n,) segment keys; missing without a segment.
        before: (n,) segment keys of the same customers on an earlier date.

    Returns:
        1 when the clusterings are the same, about 0 when they are independent; ``None`` when no customer
        is in both.
    """
    both = now.notna() & before.notna()
    if not both.any():
        return None
    codes = [pd.factorize(each[both])[0] for each in (now, before)]
    return float(adjusted_rand_score(*codes))


def _silhouettes(points: Floats, clusters: Ints) -> Floats:
    if not 1 < len(np.unique(clusters)) < len(points):
        return np.zeros(len(points))
    return np.asarray(silhouette_samples(points, clusters), dtype=np.float64)


def _evaluate_k(sample: Floats, k: int, *, segmentation: SegmentationSpec) -> KResult:
    rng = np.random.default_rng(segmentation.seed + k)
    agreements = []
    for _ in range(segmentation.stability_draws):
        halves = np.array_split(rng.permutation(len(sample)), 2)
        one, other = (_kmeans(sample[half], k=k, seed=int(rng.integers(2**31))) for half in halves)
        agreements.append(adjusted_rand_score(one.predict(sample), other.predict(sample)))
    clusters = _kmeans(sample, k=k, seed=segmentation.seed).labels_
    few = slice(segmentation.silhouette_rows)
    is_single = len(np.unique(clusters[few])) < 2
    return KResult(
        k=k,
        stability=float(np.mean(agreements)),
        stability_sd=float(np.std(agreements, ddof=1)),
        silhouette=0.0 if is_single else float(silhouette_score(sample[few], clusters[few])),
        smallest_share=float(np.bincount(clusters, minlength=k).min() / len(clusters)),
        draws=len(agreements),
        n=len(sample),
    )
