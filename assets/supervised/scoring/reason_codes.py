"""Reason codes: the change of a score when a feature group is occluded."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from assets.cores import cores
from assets.features.groups import FeatureGroup
from assets.features.matrix import UNKNOWN
from assets.features.wording import wording_of
from assets.lifecycle.store.schemas import NUMBER, TEXT, Types, typed
from assets.metrics.arrays import Flags, Floats, Ints, Texts
from assets.metrics.classification import log_odds
from assets.supervised.fitting.train import Fitted, Reference

REASONS = 3
CHUNK_ROWS = 50_000
REASON_TYPES: Types = {
    f"reason_{place}_{part}": NUMBER if part == "importance" else TEXT
    for place in (1, 2, 3)
    for part in ("code", "value", "sentence", "direction", "importance")
}
# A feature group that moves the score by less than this many log-odds is no reason.
SMALLEST_EFFECT = 0.005


def reason_codes(fitted: Fitted, features: pd.DataFrame, *, groups: Sequence[FeatureGroup]) -> pd.DataFrame:
    """The three feature groups that move each row's score most, in the columns ``reason_1_code`` and so on.

    A group whose columns are the same for every customer moves nothing, such as messages that were never
    delivered. A group's effect is the row's log-odds minus its log-odds when its columns are replaced by
    those of the reference row. A group is occluded as a whole, because one of two redundant columns would
    carry the effect of the other. The ranker's log-odds are compared, without the calibrator, whose steps
    hide effects.

    Args:
        fitted: The model and its reference row.
        features: (n, k) typed feature frame.
        groups: Feature groups; the first column of each that differs between customers is the code, and its
            value is shown.

    Returns:
        n rows: code and value as text, the value as a sentence beside that of a typical customer, direction
        ``raises`` or ``lowers``, importance as share of the absolute effects of all groups, in [0, 1].
        Missing when fewer groups matter.

    Source: occlusion, Zeiler & Fergus 2014. Effects of groups that interact do not add up to the score.
    """
    chunks = [
        _effects(fitted, features.iloc[start : start + CHUNK_ROWS], groups)
        for start in range(0, max(len(features), 1), CHUNK_ROWS)
    ]
    effects = np.vstack(chunks)
    codes = [_code(group, fitted.reference) for group in groups]
    shown = np.column_stack([_shown(features[code]) for code in codes])
    sentences = np.column_stack([_sentences(features[code], fitted.reference[code]) for code in codes])
    return _reason_columns(effects, np.asarray(codes, dtype=object), shown=shown, sentences=sentences)


def _code(group: FeatureGroup, reference: Reference) -> str:
    """The first column of ``group`` that distinguishes customers; the first one when none does."""
    return next((name for name in group.columns if reference[name] is not None), group.columns[0])


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
    known = [name for name in group.columns if reference[name] is not None]
    return features.assign(**{name: _constant(features[name], reference[name]) for name in known})


def _constant(column: pd.Series, value: float | str | None) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical([value] * len(column)), index=column.index)
    return pd.Series(value, index=column.index, dtype="float64")


def _shown(column: pd.Series) -> Texts:
    """Values as a person reads them: whole numbers without decimals, others with two."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.to_numpy(dtype=object)
    values = column.to_numpy(dtype=np.float64)
    distinct, places = np.unique(values, return_inverse=True)
    return np.asarray([_number(value) for value in distinct], dtype=object)[places]


def _sentences(column: pd.Series, typical: float | str | None) -> Texts:
    """The value of each row as a sentence."""
    words = wording_of(str(column.name))
    if isinstance(column.dtype, pd.CategoricalDtype):
        usual = None if typical == UNKNOWN else typical
        known = {value: None if value == UNKNOWN else value for value in column.cat.categories}
        texts = {value: words.sentence(shown, typical=usual) for value, shown in known.items()}
        return np.asarray([texts[value] for value in column], dtype=object)
    distinct, places = np.unique(column.to_numpy(dtype=np.float64), return_inverse=True)
    texts_of = [words.sentence(float(value), typical=typical) for value in distinct]
    return np.asarray(texts_of, dtype=object)[places]


def _number(value: float) -> str:
    if np.isnan(value):
        return UNKNOWN
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.2f}"


def _reason_columns(effects: Floats, codes: Texts, *, shown: Texts, sentences: Texts) -> pd.DataFrame:
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
        columns[f"{name}_sentence"] = _unless(~matters, sentences[row, chosen])
        direction = np.where(effects[row, chosen] > 0, "raises", "lowers").astype(object)
        columns[f"{name}_direction"] = _unless(~matters, direction)
        columns[f"{name}_importance"] = np.where(matters, size[row, chosen] / total, np.nan)
    return typed(pd.DataFrame(columns, index=pd.RangeIndex(len(effects))), REASON_TYPES)


def _unless(missing: Flags, texts: Texts) -> Texts:
    found = texts.copy()
    found[missing] = None
    return found
