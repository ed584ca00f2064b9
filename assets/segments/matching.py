"""The same segment under the same key and name, whatever number a refit gives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from assets.metrics.arrays import Floats, Ints
from assets.segments.model import ClusteringFeature

# Half a standard deviation from the mean of everybody is what sets a group apart.
TELLING = 0.5
NAMED_BY = 2
AVERAGE = "average"


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentKeys:
    """Keys and names of the groups, in their order; ``keys_used`` is how many keys there ever were."""

    keys: tuple[str, ...]
    names: tuple[str, ...]
    keys_used: int


def overlaps(new: Ints, old: Ints, *, shape: tuple[int, int]) -> Floats:
    """Jaccard index of each new group with each old one, on the same customers.

    Args:
        new: Groups, shape (n,), in [0, shape[0]).
        old: Groups, shape (n,), in [0, shape[1]).
        shape: How many there are of each.
    """
    both = np.zeros(shape)
    np.add.at(both, (new, old), 1.0)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    shared: Floats = np.divide(both, either, out=np.zeros(shape), where=either > 0)
    return shared


def matched(overlap: Floats, *, at_least: float) -> Mapping[int, int]:
    """Which old group each new one is: pairs of the largest total overlap, each overlapping enough.

    Source:
        Kuhn 1955, the Hungarian method, by ``scipy.optimize.linear_sum_assignment``.
    """
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    return {
        int(row): int(column)
        for row, column in zip(rows, columns, strict=True)
        if overlap[row, column] >= at_least
    }


def identify(
    centres: Floats,
    traits: Sequence[ClusteringFeature],
    *,
    before: SegmentKeys | None,
    same: Mapping[int, int],
) -> SegmentKeys:
    """Keys and names of new groups: those of the old group it is, else new ones.

    Args:
        centres: Mean coordinates of each group, shape (k, traits), in standard deviations from everybody.
        traits: What the coordinates are.
        before: The identity of the old groups; ``None`` when there are none.
        same: New group to old group.
    """
    keys: list[str] = []
    names: dict[int, str] = {}
    used = before.keys_used if before else 0
    for group in range(len(centres)):
        if before is not None and group in same:
            keys.append(before.keys[same[group]])
            names[group] = before.names[same[group]]
        else:
            used += 1
            keys.append(f"b{used:02d}")
    for group in range(len(centres)):
        if group not in names:
            names[group] = _named(centres[group], traits, taken=set(names.values()), key=keys[group])
    return SegmentKeys(
        keys=tuple(keys), names=tuple(names[group] for group in range(len(centres))), keys_used=used
    )


def _named(centre: Floats, traits: Sequence[ClusteringFeature], *, taken: set[str], key: str) -> str:
    """What sets a group apart, the most striking first; as many words as it takes to be the only one."""
    order = np.argsort(-np.abs(centre), kind="stable")
    words = [traits[place].high if centre[place] > 0 else traits[place].low for place in order]
    searchable_values = int((np.abs(centre) >= TELLING).sum())
    for count in range(max(1, min(NAMED_BY, searchable_values)), len(words) + 1):
        name = ", ".join(words[:count]) if searchable_values else AVERAGE
        if name not in taken:
            return name
    return f"{', '.join(words[:NAMED_BY])} ({key})"
