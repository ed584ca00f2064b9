"""Matrix of features with explicit types; refuses features that leak the outcome."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from assets.metrics.arrays import Flags, Floats, Texts
from assets.metrics.classification import auc

AS_OF = "as_of_date"
OUTCOME = "outcome"
# A category of its own and not a missing value: a column of missing values would have no text type to encode.
UNKNOWN = "unknown"
SUSPICIOUS_NAMES = ("outcome", "label", "target", "lbl_")
# A feature may separate fewer positives than this by chance.
FEWEST_POSITIVES = 30
# The rate of a rarer category is the outcome of its few members.
SMALLEST_CATEGORY = 20


class LeakDetected(Exception):
    """A feature uses a fact that was not known on the as-of date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Id, numeric and categorical columns of a feature table."""

    entity_id: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Rows ready to fit or score.

    Attributes:
        features: (n, k) frame; numbers float64 with ``nan`` for missing, categories of text with
            ``unknown`` for missing.
        outcome: (n,) of 0.0/1.0; empty when no outcome is known yet.
        entities: (n,) ids as text.
        as_of: (n,) as-of dates, ``datetime64[D]``.
    """

    features: pd.DataFrame
    outcome: Floats
    entities: Texts
    as_of: npt.NDArray[np.datetime64]

    def __len__(self) -> int:
        return len(self.features)

    @property
    def positives(self) -> int:
        """Number of rows with the outcome."""
        return int(self.outcome.sum())

    def of(self, rows: Flags) -> "Matrix":
        """The rows where ``rows`` (n,) is true."""
        return replace(
            self,
            features=self.features.loc[rows].reset_index(drop=True),
            outcome=self.outcome[rows] if self.outcome.size else self.outcome,
            entities=self.entities[rows],
            as_of=self.as_of[rows],
        )


def build_matrix(features: pd.DataFrame, labels: pd.DataFrame | None, *, columns: Columns) -> Matrix:
    """Matrix with one row per entity and as-of date, in the order of ``features``.

    Args:
        features: (n, k) rows with the id, ``as_of_date``, ``as_of_at``, ``newest_known_at`` and the features.
        labels: (m, 3) rows with the id, ``as_of_date`` and ``outcome`` (0/1); feature rows without a label
            are left out, because their outcome window has not ended. ``None`` when scoring.
        columns: Id, numeric and categorical columns of ``features``.

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
    """Refuse features that are named like the outcome.

    Raises:
        LeakDetected: when a name starts with ``outcome``, ``label``, ``target`` or ``lbl_``, or ends with
            ``_outcome``.

    >>> refuse_suspicious_names(["orders_90d", "country"])
    >>> refuse_suspicious_names(["label_30d"])
    Traceback (most recent call last):
    assets.features.matrix.LeakDetected: feature 'label_30d' is named like the outcome
    """
    named = [name for name in names if name.startswith(SUSPICIOUS_NAMES) or name.endswith("_outcome")]
    if named:
        raise LeakDetected(f"feature {named[0]!r} is named like the outcome")


def refuse_late_knowledge(features: pd.DataFrame) -> None:
    """Refuse rows whose ``newest_known_at`` is not before their ``as_of_at``.

    Args:
        features: (n, k) rows with both columns.

    Raises:
        LeakDetected: when there is such a row.
    """
    late = pd.to_datetime(features["newest_known_at"]) >= pd.to_datetime(features["as_of_at"])
    if late.any():
        first = features.loc[late].iloc[0]
        raise LeakDetected(
            f"{int(late.sum())} of {len(features)} rows use facts not yet known: the first one used a fact "
            f"known at {first['newest_known_at']} for the as-of date {first['as_of_at']}"
        )


def refuse_separating_features(train: Matrix, *, highest_auc: float, scheduled: Collection[str] = ()) -> None:
    """Refuse a feature that alone separates positives from negatives.

    Recency, a shop's best single feature, reaches an AUC of 0.715 on Online Retail; a copy of the outcome
    reaches 1. Tested only with at least 30 positives and 30 negatives.

    Args:
        train: The training fold.
        highest_auc: Univariate AUC, in either direction, at or above which a feature is refused; in [0.5, 1].
        scheduled: Features that may: they follow from dates that are known before.

    Raises:
        LeakDetected: when there is such a feature.
    """
    if min(train.positives, len(train) - train.positives) < FEWEST_POSITIVES:
        return
    for name in train.features.columns.difference(list(scheduled), sort=False):
        reached = auc(train.outcome, _ranking_values(train.features[name], train.outcome))
        strength = max(reached, 1 - reached)
        if strength >= highest_auc:
            raise LeakDetected(
                f"feature {name!r} alone separates the outcome with AUC {strength:.3f} "
                f"(bound {highest_auc}) on {len(train)} training rows: it probably contains the "
                "outcome; if it follows from a date that is known before, such as a renewal, list it under "
                "scheduled in the YAML"
            )


def sample_modulus(rows: int, *, at_most: int) -> int:
    """``k`` such that about ``at_most`` of ``rows`` have a stable hash divisible by ``k``.

    Hash entity and as-of date together: hashing only the entity would drop whole customers.

    Raises:
        ValueError: when ``at_most`` is below 1.

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
    # DuckDB returns integers with and without NULLs as different types, so every type is set here.
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


def _ranking_values(column: pd.Series, outcome: Floats) -> Floats:
    """(n,) values by which one column ranks rows: missing numbers lowest, categories by their rate."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy().astype(np.int64)
        counts, positives = np.bincount(codes), np.bincount(codes, outcome)
        rates = np.where(counts >= SMALLEST_CATEGORY, positives / np.maximum(counts, 1), outcome.mean())
        return np.asarray(rates[codes], dtype=np.float64)
    values = column.to_numpy(dtype=np.float64)
    return np.where(np.isnan(values), -np.inf, values)
