"""Reason codes: the change of a score when a feature group is occluded."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from assets.cores import cores
from assets.features.groups import FeatureGroup
from assets.features.matrix import UNKNOWN
from assets.lifecycle.store.schemas import NUMBER, TEXT, Types, typed
from assets.metrics.arrays import Flags, Floats, Ints, Texts
from assets.metrics.classification import log_odds
from assets.supervised.fitting.train import Fitted, Reference

REASONS = 3
CHUNK_ROWS = 50_000
REASON_TYPES: Types = {
    f"reason_{place}_{part}": NUMBER if part == "importance" else TEXT
    for place in (1, 2, 3)
    for part in ("code", "value", "direction", "importance")
}
# A feature group that moves the score by less than this many log-odds is no reason.
SMALLEST_EFFECT = 0.005


def reason_codes(fitted: Fitted, features: pd.DataFrame, *, groups: Sequence[FeatureGroup]) -> pd.DataFrame:
    """The three feature groups that move each row's score most, in the columns ``reason_1_code`` and so on.

    A group without a usable column moves nothing.
    A group's effect is the row's log-odds minus its log-odds when the group's columns are replaced by
    those of the reference row. A group is occluded as a whole, because one of two redundant columns would
    carry the effect of the other. The ranker's log-odds are compared, without the calibrator, whose steps
    hide effects.

    Args:
        fitted: The model and its reference row.
        features: (n, k) typed feature frame.
        groups: Feature groups; the first column of each is the code, and its value is shown.

    Returns:
        n rows: code and value as text, direction ``raises`` or ``lowers``, importance as share of the
        absolute effects of all groups, in [0, 1]. Missing when fewer groups matter.

    Source: occlusion, Zeiler & Fergus 2014. Effects of groups that interact do not add up to the score.
    """
    chunks = [
        _effects(fitted, features.iloc[start : start + CHUNK_ROWS], groups)
        for start in range(0, max(len(features), 1), CHUNK_ROWS)
    ]
    effects = np.vstack(chunks)
    shown = np.column_stack([_shown(features[group.columns[0]]) for group in groups])
    codes = np.asarray([group.columns[0] for group in groups], dtype=object)
    return _reason_columns(effects, codes, shown=shown)


def _effects(fitted: Fitted, features: pd.DataFrame, groups: Sequence[FeatureGroup]) -> Floats:
    if features.empty:
        return np.zeros((0, len(groups)))
    actual = _ranker_log_odds(fitted, features)

    def occluded(group: FeatureGroup) -> Floats:
        if all(fitted.reference[name] is None for name in group.columns):
            return actual
        return _ranker_log_odds(fitted, _occluded(features, group, fitted.reference))

    with cores() as pool:
        return actual[:, None] - np.column_stack(list(pool.map(occluded, groups)))


def _ranker_log_odds(fitted: Fitted, features: pd.DataFrame) -> Floats:
    return log_odds(fitted.ranker.predict_proba(features)[:, 1])


def _occluded(features: pd.DataFrame, group: FeatureGroup, reference: Reference) -> pd.DataFrame:
    reference_row = {name: _constant(features[name], reference[name]) for name in group.columns}
    return features.assign(**reference_row)


def _constant(column: pd.Series, value: float | str | None) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical([value] * len(column)), index=column.index)
    return pd.Series(np.nan if value is None else value, index=column.index, dtype="float64")


def _shown(column: pd.Series) -> Texts:
    """Values as a person reads them: whole numbers without decimals, others with two."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.to_numpy(dtype=object)
    values = column.to_numpy(dtype=np.float64)
    distinct, places = np.unique(values, return_inverse=True)
    return np.asarray([_number(value) for value in distinct], dtype=object)[places]


def _number(value: float) -> str:
    if np.isnan(value):
        return UNKNOWN
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.2f}"


def _reason_columns(effects: Floats, codes: Texts, *, shown: Texts) -> pd.DataFrame:
    size = np.abs(effects)
    total = np.maximum(size.sum(axis=1), SMALLEST_EFFECT)
    best: Ints = np.argsort(-size, axis=1, kind="stable")[:, :REASONS]
    row = np.arange(len(effects))
    columns: dict[str, object] = dict.fromkeys(REASON_TYPES)
    for place in range(best.shape[1]):
        chosen = best[:, place]
        matters = size[row, chosen] >= SMALLEST_EFFECT
        name = f"reason_{place + 1}"
        columns[f"{name}_code"] = _unless(~matters, codes[chosen])
        columns[f"{name}_value"] = _unless(~matters, shown[row, chosen])
        direction = np.where(effects[row, chosen] > 0, "raises", "lowers").astype(object)
        columns[f"{name}_direction"] = _unless(~matters, direction)
        columns[f"{name}_importance"] = np.where(matters, size[row, chosen] / total, np.nan)
    return typed(pd.DataFrame(columns, index=pd.RangeIndex(len(effects))), REASON_TYPES)


def _unless(missing: Flags, texts: Texts) -> Texts:
    found = texts.copy()
    found[missing] = None
    return found
