"""The table of drift: one row per model version, as-of day, slice and feature."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Any

import pandas as pd

from assets.lifecycle.store.schemas import DRIFT_TYPES
from assets.metrics.drift.effects import FeatureDrift
from assets.monitoring.drift.alarm import DriftVerdict

_VERDICT = ("verdict", "p_value", "is_violated", "windows_violated", "windows_judged")
_COUNTS = ("n", "n_reference", "bins")
_WORDS = ("slice_name", "slice_value", "feature", "kind")


def drift_rows(
    judged: Sequence[DriftVerdict], *, model_name: str, model_version: str, as_of: date
) -> pd.DataFrame:
    """The rows of one morning, typed as :data:`DRIFT_TYPES` says."""
    named = {"model_name": model_name, "model_version": model_version, "as_of_date": as_of}
    rows = [
        named
        | {field.name: getattr(each.effect, field.name) for field in fields(FeatureDrift)}
        | {name: getattr(each, name) for name in _VERDICT}
        for each in judged
    ]
    return pd.DataFrame(rows, columns=list(DRIFT_TYPES)).astype(dict(DRIFT_TYPES))


def history_of(rows: pd.DataFrame) -> list[tuple[FeatureDrift, ...]]:
    """The effects of each as-of day in ``rows``, oldest first, as :func:`judge_drift` takes them.

    Args:
        rows: Rows of one model version, as :func:`drift_rows` made them or as a warehouse gives them back.
    """
    return [
        tuple(_effect(row) for row in morning.to_dict("records"))
        for _, morning in rows.groupby("as_of_date", sort=True)
    ]


def _effect(row: Mapping[Any, Any]) -> FeatureDrift:
    """One effect; a missing number is ``nan`` again, whichever way a database wrote it."""
    values = {
        field.name: float("nan") if pd.isna(row[field.name]) else row[field.name]
        for field in fields(FeatureDrift)
    }
    typed: dict[str, Any] = (
        {name: int(values[name]) for name in _COUNTS}
        | {name: str(values[name]) for name in _WORDS}
        | {name: float(value) for name, value in values.items() if name not in (*_COUNTS, *_WORDS)}
    )
    return FeatureDrift(**typed)
