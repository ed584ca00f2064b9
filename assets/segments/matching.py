"""Keys and names of segments that stay the same across refits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from assets.metrics.arrays import Floats, Ints
from assets.segments.spec import ClusteringFeature

# A segment is named by features half a standard deviation or more from the mean of all customers.
DISTINCT = 0.5
WORDS = 2
AVERAGE = "average"
PREFIX = "b"


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentKeys:
    """Keys and names of the segments, in their order; ``keys_used`` is the highest number that a key has."""

    keys: tuple[str, ...]
    names: tuple[str, ...]
    keys_used: int


def overlaps(new: Ints, old: Ints, *, shape: tuple[int, int]) -> Floats:
    """Jaccard index of each new cluster with each old one, on the same customers.

    Args:
        new: Clusters, shape (n,), in [0, shape[0]).
        old: Clusters, shape (n,), in [0, shape[1]).
        shape: Number of new and of old clusters.
    """
    both = np.zeros(shape)
    np.add.at(both, (new, old), 1.0)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    shared: Floats = np.divide(both, either, out=np.zeros(shape), where=either > 0)
    return shared


def match_clusters(overlap: Floats, *, at_least: float) -> dict[int, int]:
    """The old cluster of each new one: pairs of the largest total overlap, each overlapping enough.

    Args:
        overlap: Jaccard indices, shape (new, old), in [0, 1].
        at_least: Index from which two clusters are the same segment.

    Source:
        Kuhn 1955, the Hungarian method, by ``scipy.optimize.linear_sum_assignment``.
    """
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    return {
        int(row): int(column)
        for row, column in zip(rows, columns, strict=True)
        if overlap[row, column] >= at_least
    }


def assign_keys(
    centres: Floats,
    features: Sequence[ClusteringFeature],
    *,
    before: SegmentKeys | None,
    same: Mapping[int, int],
    keys_used: int = 0,
) -> SegmentKeys:
    """Keys and names of new clusters: those of the matching old cluster, else new ones.

    Args:
        centres: Mean coordinates of each cluster, shape (k, features), in standard deviations from the mean
            of all customers.
        features: What the coordinates are.
        before: Keys and names of the old clusters; ``None`` when there are none.
        same: New cluster to old cluster.
        keys_used: Highest number of a key of any other segmentation. A version that was rolled back, or one
            of a later as-of date that was made earlier, has keys that ``before`` does not know.
    """
    keys: list[str] = []
    names: dict[int, str] = {}
    used = max(before.keys_used if before else 0, keys_used)
    for cluster in range(len(centres)):
        if before is not None and cluster in same:
            keys.append(before.keys[same[cluster]])
            names[cluster] = before.names[same[cluster]]
        else:
            used += 1
            keys.append(f"{PREFIX}{used:02d}")
    for cluster in range(len(centres)):
        if cluster not in names:
            names[cluster] = _name(centres[cluster], features, taken=set(names.values()), key=keys[cluster])
    return SegmentKeys(
        keys=tuple(keys), names=tuple(names[cluster] for cluster in range(len(centres))), keys_used=used
    )


def highest_key(keys: Iterable[str]) -> int:
    """The highest number among ``keys``; 0 without any."""
    return max((int(key.removeprefix(PREFIX)) for key in keys), default=0)


def _name(centre: Floats, features: Sequence[ClusteringFeature], *, taken: set[str], key: str) -> str:
    """The most distinct features in words, as many as make the name unique."""
    order = np.argsort(-np.abs(centre), kind="stable")
    words = [features[place].high if centre[place] > 0 else features[place].low for place in order]
    distinct = int((np.abs(centre) >= DISTINCT).sum())
    for count in range(max(1, min(WORDS, distinct)), len(words) + 1):
        name = ", ".join(words[:count]) if distinct else AVERAGE
        if name not in taken:
            return name
    return f"{', '.join(words[:WORDS])} ({key})"
