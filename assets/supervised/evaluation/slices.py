"""Slices of the customers, on each of which a model is evaluated."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from assets.features.groups import CategorySlice, NumericSlice, Slice
from assets.features.matrix import UNKNOWN
from assets.metrics.arrays import Texts

OTHER = "other"


def slice_values(features: pd.DataFrame, slices: Sequence[Slice]) -> Mapping[str, Texts]:
    """The value of each slice for each row of ``features`` (n, k), as (n,) of text."""
    return {each.name: _values(features[each.column], each) for each in slices}


def _values(column: pd.Series, by: Slice) -> Texts:
    match by:
        case NumericSlice():
            return _banded(column, by)
        case CategorySlice():
            return _kept(column, by)


def _banded(column: pd.Series, by: NumericSlice) -> Texts:
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    labels = np.asarray([*by.labels, UNKNOWN], dtype=object)
    found = np.searchsorted(np.asarray(by.cuts), numbers, side="left")
    return labels[np.where(np.isnan(numbers), len(by.labels), found)]


def _kept(column: pd.Series, by: CategorySlice) -> Texts:
    texts = column.astype("string").astype(object)
    kept = texts.value_counts().sort_index(kind="stable").sort_values(ascending=False, kind="stable")
    known = texts.where(texts.isin(kept.index[: by.keep]), OTHER)
    return known.where(texts.notna(), UNKNOWN).to_numpy(dtype=object)
