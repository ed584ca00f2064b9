"""Features to coordinates in which distances mean something."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.metrics.arrays import Floats
from assets.segments.model import ClusteringFeature

# Beyond this many standard deviations more of the same makes nobody more different.
FARTHEST = 3.0
# A column that holds one value for all but this share of the customers groups nobody.
FEWEST_OTHERS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureScaler:
    """How one column becomes a coordinate: its logarithm or itself, centred, in standard deviations.

    ``filling`` stands for a missing value, in the column's own unit.
    """

    column: str
    is_log: bool
    filling: float
    centre: float
    scale: float

    def of(self, values: pd.Series) -> Floats:
        """Coordinates of ``values``, shape (n,), within three standard deviations."""
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        told = _told(np.where(np.isfinite(numbers), numbers, self.filling), is_log=self.is_log)
        return np.clip((told - self.centre) / self.scale, -FARTHEST, FARTHEST)


def fit_axes(rows: pd.DataFrame, traits: Sequence[ClusteringFeature]) -> tuple[FeatureScaler, ...]:
    """One axis per trait that tells customers apart.

    A column that is missing, never filled or the same for nearly everybody is left out: it would only
    add noise, and a business may deliver no visits or messages at all.
    """
    found = (_axis(rows[trait.column], trait) for trait in traits if trait.column in rows.columns)
    return tuple(axis for axis in found if axis is not None)


def coordinates(rows: pd.DataFrame, axes: Sequence[FeatureScaler]) -> Floats:
    """Where customers stand, shape (n, axes).

    Raises:
        KeyError: when a column of ``axes`` is missing.
    """
    return np.column_stack([axis.of(rows[axis.column]) for axis in axes])


def axes_from(recorded: Sequence[Mapping[str, object]]) -> tuple[FeatureScaler, ...]:
    """The axes that ``asdict`` recorded."""
    return tuple(FeatureScaler(**each) for each in recorded)  # type: ignore[arg-type]


def _axis(values: pd.Series, trait: ClusteringFeature) -> FeatureScaler | None:
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    known = numbers[np.isfinite(numbers)]
    if known.size == 0:
        return None
    filling = float(np.median(known))
    told = _told(np.where(np.isfinite(numbers), numbers, filling), is_log=trait.is_heavy_tailed)
    _, counts = np.unique(told, return_counts=True)
    if counts.max() > (1 - FEWEST_OTHERS) * told.size:
        return None
    return FeatureScaler(
        column=trait.column,
        is_log=trait.is_heavy_tailed,
        filling=filling,
        centre=float(told.mean()),
        scale=float(told.std()),
    )


def _told(numbers: Floats, *, is_log: bool) -> Floats:
    # An average order may be negative after returns: the logarithm of what lies below 0 is mirrored.
    return np.sign(numbers) * np.log1p(np.abs(numbers)) if is_log else numbers
