"""Spine and features to a matrix with explicit types; refuses what knows the future."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from assets.metrics.arrays import Flags, Floats, Texts
from assets.metrics.classification import auc

AS_OF = "as_of_date"
OUTCOME = "outcome"
# A category of its own and not a hole: a column with holes only would have no text type to encode.
UNKNOWN = "unknown"
SUSPICIOUS_NAMES = ("outcome", "label", "target", "lbl_")
# Fewer buyers than this separate by luck.
FEWEST_POSITIVES = 30
# A rarer category predicts its few members by remembering them.
SMALLEST_CATEGORY = 20


class LeakDetected(Exception):
    """A feature knows something that was not known on the as-of morning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns of a feature table are the id, numbers and categories."""

    entity_id: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Rows ready to fit or score.

    Attributes:
        features: (n, k) frame; numbers float64 with ``nan`` for missing, categories of text with
            ``unknown`` for missing.
        outcome: (n,) of 0.0/1.0; empty when nothing is known yet.
        entities: (n,) ids as text.
        as_of: (n,) as-of days, ``datetime64[D]``.
    """

    features: pd.DataFrame
    outcome: Floats
    entities: Texts
    as_of: npt.NDArray[np.datetime64]

    def __len__(self) -> int:
        return len(self.features)

    @property
    def positives(self) -> int:
        """How many rows have the outcome."""
        return int(self.outcome.sum())

    def of(self, rows: Flags) -> "Matrix":
        """The part of the rows where ``rows`` (n,) is true."""
        return replace(
            self,
            features=self.features.loc[rows].reset_index(drop=True),
            outcome=self.outcome[rows] if self.outcome.size else self.outcome,
            entities=self.entities[rows],
            as_of=self.as_of[rows],
        )


def build_matrix(features: pd.DataFrame, labels: pd.DataFrame | None, *, columns: Columns) -> Matrix:
    """One row per entity and as-of day, in the order of ``features``.

    Args:
        features: Rows with the id, ``as_of_date``, ``as_of_at``, ``newest_known_at`` and the features.
        labels: Rows with the id, ``as_of_date`` and ``outcome`` (0/1); features without a label are left
            out, because their window has not ended. ``None`` when scoring.
        columns: What is what.

    Raises:
        KeyError: when a column is missing.
        ValueError: when a key repeats, a number is infinite or an outcome is not 0 or 1.
        LeakDetected: when a feature is named like the outcome or a fact was not yet known.
    """
    needed = [columns.entity_id, AS_OF, "as_of_at", "newest_known_at", *columns.numeric, *columns.categorical]
    missing = [name for name in needed if name not in features.columns]
    if missing:
        raise KeyError(f"the feature rows lack {missing}")
    refuse_suspicious_names(columns.numeric + columns.categorical)
    refuse_late_knowledge(features)
    rows = _labelled(features[needed], labels, keys=[columns.entity_id, AS_OF])
    return Matrix(
        features=_typed(rows, columns),
        outcome=_outcome(rows) if labels is not None else np.zeros(0),
        entities=rows[columns.entity_id].astype(str).to_numpy(dtype=object),
        as_of=pd.to_datetime(rows[AS_OF]).to_numpy().astype("datetime64[D]"),
    )


def refuse_suspicious_names(names: Sequence[str]) -> None:
    """Raise ``LeakDetected`` when a feature is named like the outcome."""
    named = [name for name in names if name.startswith(SUSPICIOUS_NAMES) or name.endswith("_outcome")]
    if named:
        raise LeakDetected(f"feature {named[0]!r} is named like the outcome it is to predict")


def refuse_late_knowledge(features: pd.DataFrame) -> None:
    """Raise ``LeakDetected`` when a row's ``newest_known_at`` is not before its ``as_of_at``."""
    late = pd.to_datetime(features["newest_known_at"]) >= pd.to_datetime(features["as_of_at"])
    if late.any():
        first = features.loc[late].iloc[0]
        raise LeakDetected(
            f"{int(late.sum())} of {len(features)} rows use facts not yet known: the first one used a fact "
            f"known at {first['newest_known_at']} for the morning of {first['as_of_at']}"
        )


def refuse_separating_features(train: Matrix, *, highest_auc: float) -> None:
    """Raise ``LeakDetected`` when one feature alone tells buyers from the others.

    Recency, a shop's best single feature, reaches 0.715 on Online Retail; a copy of the outcome
    reaches 1. Judged only with at least 30 buyers and 30 others.

    Args:
        train: The training fold.
        highest_auc: Univariate AUC, in either direction, at or above which a feature is refused.
    """
    if min(train.positives, len(train) - train.positives) < FEWEST_POSITIVES:
        return
    for name in train.features.columns:
        reached = auc(train.outcome, _reading(train.features[name], train.outcome))
        strength = max(reached, 1 - reached)
        if strength >= highest_auc:
            raise LeakDetected(
                f"feature {name!r} alone separates the outcome with AUC {strength:.3f} "
                f"(bound {highest_auc}) on {len(train)} training rows: it probably knows the future"
            )


def sample_modulus(rows: int, *, at_most: int) -> int:
    """``k`` such that keeping the rows whose stable hash is divisible by ``k`` leaves about ``at_most``.

    Hash entity and as-of day together: hashing only the entity would drop whole customers.

    >>> sample_modulus(1_000_000, at_most=200_000)
    5
    """
    if at_most < 1:
        raise ValueError(f"at_most is {at_most}; at least 1")
    return max(1, -(-rows // at_most))


def _labelled(rows: pd.DataFrame, labels: pd.DataFrame | None, *, keys: list[str]) -> pd.DataFrame:
    spine = rows.assign(**{AS_OF: pd.to_datetime(rows[AS_OF])})
    repeated = int(spine.duplicated(keys).sum())
    if repeated:
        raise ValueError(f"{repeated} feature rows repeat their {' and '.join(keys)}")
    if labels is None:
        return spine
    dated = labels[[*keys, OUTCOME]].assign(**{AS_OF: pd.to_datetime(labels[AS_OF])})
    how: Literal["inner"] = "inner"
    return spine.merge(dated, on=keys, how=how, validate="one_to_one")


def _typed(rows: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    numbers = {name: _number(rows[name]) for name in columns.numeric}
    # DuckDB hands over integers with and without NULLs as different types, so every type is stated here.
    categories = {
        name: pd.Categorical(rows[name].astype("string").fillna(UNKNOWN).astype(object))
        for name in columns.categorical
    }
    return pd.DataFrame(numbers | categories)


def _number(column: pd.Series) -> Floats:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        raise ValueError(
            f"{column.name} is infinite in {int(np.isinf(values).sum())} rows: a ratio without nullif?"
        )
    return np.asarray(values, dtype=np.float64)


def _outcome(rows: pd.DataFrame) -> Floats:
    outcome = _number(rows[OUTCOME])
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise ValueError(f"outcome must be 0 or 1, found {sorted(set(outcome.tolist()) - {0.0, 1.0})[:3]}")
    return outcome


def _reading(column: pd.Series, outcome: Floats) -> Floats:
    """How one column ranks rows: missing numbers lowest, categories by the rate of their members."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy().astype(np.int64)
        counts, buyers = np.bincount(codes), np.bincount(codes, outcome)
        rates = np.where(counts >= SMALLEST_CATEGORY, buyers / np.maximum(counts, 1), outcome.mean())
        return np.asarray(rates[codes], dtype=np.float64)
    values = column.to_numpy(dtype=np.float64)
    return np.where(np.isnan(values), -np.inf, values)
