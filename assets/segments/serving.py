"""A grouping that serves: its centres, keys and names, as kept on disk and as applied to customers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from assets.lifecycle.store.artifacts import load_model, save_model
from assets.metrics.arrays import Floats, Ints
from assets.segments.matching import SegmentKeys
from assets.segments.preparing import FeatureScaler, axes_from, coordinates

# Distances of a million customers to eight centres at once would be made in pieces anyway.
BLOCK = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationModel:
    """Where the groups are, and what they are called."""

    groups: KMeans
    axes: tuple[FeatureScaler, ...]
    identity: SegmentKeys

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it needs."""
        return tuple(axis.column for axis in self.axes)

    @property
    def k(self) -> int:
        """How many groups."""
        return len(self.identity.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Each customer's group and how surely.

    Attributes:
        group: (n,) nearest group.
        distance: (n,) distance to its centre, in standard deviations.
        runner_up: (n,) second nearest group.
        margin: (n,) how much farther that is, as a share of it: 0 on the border, 1 at the centre.
    """

    group: Ints
    distance: Floats
    runner_up: Ints
    margin: Floats


def place(grouping: SegmentationModel, rows: pd.DataFrame) -> Placed:
    """Put everybody in ``rows`` into the nearest group."""
    parts = [
        _placed(grouping.groups.transform(coordinates(rows.iloc[start : start + BLOCK], grouping.axes)))
        for start in range(0, len(rows), BLOCK)
    ]
    return Placed(
        group=np.concatenate([part.group for part in parts]),
        distance=np.concatenate([part.distance for part in parts]),
        runner_up=np.concatenate([part.runner_up for part in parts]),
        margin=np.concatenate([part.margin for part in parts]),
    )


def _placed(distances: Floats) -> Placed:
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :2]
    first, second = np.take_along_axis(distances, nearest, axis=1).T
    margin = np.divide(second - first, second, out=np.zeros(len(first)), where=second > 0)
    return Placed(group=nearest[:, 0], distance=first, runner_up=nearest[:, 1], margin=margin)


def save_grouping(folder: Path, grouping: SegmentationModel) -> str:
    """Write the grouping into ``folder``; returns the sha-256 of its files."""
    facts = {"axes": [asdict(axis) for axis in grouping.axes], "identity": asdict(grouping.identity)}
    return save_model(folder, grouping.groups, facts=facts)


def load_grouping(folder: Path, *, sha256: str) -> SegmentationModel:
    """The grouping in ``folder``, if it is byte for byte the one registered.

    Raises:
        ModelIntegrityError: when it is not.
    """
    groups, facts = load_model(folder, sha256=sha256)
    return SegmentationModel(
        groups=groups,
        axes=axes_from(facts["axes"]),
        identity=_identity(facts["identity"]),
    )


def _identity(recorded: dict[str, Sequence[str] | int]) -> SegmentKeys:
    keys, names, used = recorded["keys"], recorded["names"], recorded["keys_used"]
    if isinstance(keys, int) or isinstance(names, int) or not isinstance(used, int):
        raise TypeError("an identity is keys, names and how many keys there ever were")
    return SegmentKeys(keys=tuple(keys), names=tuple(names), keys_used=used)
