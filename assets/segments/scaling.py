"""Features scaled to coordinates in which distances are comparable."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.metrics.arrays import Floats
from assets.segments.spec import ClusteringFeature

# Beyond this many standard deviations more of the same makes nobody more different.
FARTHEST = 3.0
# A column that holds one value for all but this share of the customers separates nobody.
FEWEST_OTHERS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureScaler:
    """How one column becomes a coordinate: its logarithm or itself, centred, in standard deviations.

    ``fill_value`` replaces a missing value, in the column's own unit.
    """

    column: str
    is_log: bool
    fill_value: float
    mean: float
    scale: float

    def transform(self, values: pd.Series) -> Floats:
        """Coordinates of ``values``, shape (n,), within three standard deviations."""
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        filled = np.where(np.isfinite(numbers), numbers, self.fill_value)
        return np.clip((_log(filled, is_log=self.is_log) - self.mean) / self.scale, -FARTHEST, FARTHEST)


def fit_scalers(rows: pd.DataFrame, features: Sequence[ClusteringFeature]) -> tuple[FeatureScaler, ...]:
    """One scaler per feature in which customers differ.

    A column that is missing, never filled or the same for nearly all customers is left out: it would only
    add noise, and a business may deliver no visits or messages at all.

    Args:
        rows: One row per customer with the feature columns, in their own units.
        features: What customers are clustered by.
    """
    found = (_scaler(rows[each.column], each) for each in features if each.column in rows.columns)
    return tuple(scaler for scaler in found if scaler is not None)


def coordinates(rows: pd.DataFrame, scalers: Sequence[FeatureScaler]) -> Floats:
    """Scaled features of customers, shape (n, scalers), in standard deviations.

    Raises:
        KeyError: A column of ``scalers`` is missing.
    """
    return np.column_stack([scaler.transform(rows[scaler.column]) for scaler in scalers])


def _scaler(values: pd.Series, feature: ClusteringFeature) -> FeatureScaler | None:
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    known = numbers[np.isfinite(numbers)]
    if known.size == 0:
        return None
    fill_value = float(np.median(known))
    scaled = _log(np.where(np.isfinite(numbers), numbers, fill_value), is_log=feature.is_heavy_tailed)
    _, counts = np.unique(scaled, return_counts=True)
    if counts.max() > (1 - FEWEST_OTHERS) * scaled.size:
        return None
    return FeatureScaler(
        column=feature.column,
        is_log=feature.is_heavy_tailed,
        fill_value=fill_value,
        mean=float(scaled.mean()),
        scale=float(scaled.std()),
    )


def _log(numbers: Floats, *, is_log: bool) -> Floats:
    # An average order may be negative after returns: the logarithm of a number below 0 is mirrored.
    return np.sign(numbers) * np.log1p(np.abs(numbers)) if is_log else numbers
