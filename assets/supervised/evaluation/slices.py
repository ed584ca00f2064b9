"""Slices of the customers, on each of which a model is evaluated."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from assets.features.groups import CategorySlice, NumericSlice, Slice
from assets.features.matrix import UNKNOWN
from assets.metrics.arrays import Flags, Texts

OTHER = "other"


def slice_values(features: pd.DataFrame, slices: Sequence[Slice]) -> Mapping[str, Texts]:
    """The value of each slice for each row of ``features`` (n, k), as (n,) of text."""
    return {each.name: _values(features[each.column], each) for each in slices}


def rows_of_slice(features: pd.DataFrame, by: Slice, value: str, *, known: Collection[str]) -> Flags:
    """(n,) which rows of ``features`` (n, k) have ``value`` in the slice.

    Args:
        features: Rows with the column of the slice.
        by: The slice.
        value: Its value.
        known: The values that it had elsewhere: which category is the most frequent may differ from there.
    """
    column = features[by.column]
    if isinstance(by, NumericSlice):
        return np.asarray(_banded(column, by) == value)
    texts = column.astype("string")
    named = texts.where(texts.isin(list(known)), OTHER).where(texts.notna(), UNKNOWN)
    return (named == value).to_numpy(dtype=np.bool_)


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
