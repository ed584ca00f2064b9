"""Rows of the model registry."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

import pandas as pd

from assets.lifecycle.capability import TrainingRecord
from assets.lifecycle.spec import Spec
from assets.lifecycle.store.fingerprints import library_versions
from assets.lifecycle.store.schemas import REGISTRY_TYPES, typed

Stage = Literal["champion", "challenger", "retired", "refused"]
FOLDS = ("train", "calibration", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStatus:
    """Stage, grade and origin of a version; ``model_sha256`` is ``None`` without a model that could serve."""

    model_version: str
    stage: Stage
    quality_grade: str
    trained_at: datetime
    code_hash: str
    data_hash: str
    model_sha256: str | None = None
    promoted_by: str | None = None
    supersedes: str | None = None
    card_uri: str | None = None


def registry_row(spec: Spec, record: TrainingRecord, status: VersionStatus) -> pd.DataFrame:
    """The one row of ``ml.model_registry`` of a version.

    Args:
        spec: The capability.
        record: Data and parameters of the version.
        status: Its stage, grade and origin.
    """
    negatives = None if record.n_positive is None else record.n_rows - record.n_positive
    row = {
        "model_name": spec.name,
        **asdict(status),
        **{f"{name}_from": record.folds[name][0] if name in record.folds else None for name in FOLDS},
        **{f"{name}_to": record.folds[name][1] if name in record.folds else None for name in FOLDS},
        "label_horizon_days": record.horizon_days,
        "n_rows": record.n_rows,
        "n_positive": record.n_positive,
        "n_negative": negatives,
        "features": json.dumps(record.features),
        "params": json.dumps(dict(record.params), sort_keys=True),
        "seed": spec.seed,
        "spec_hash": spec.spec_hash,
        "libraries": json.dumps(library_versions()),
        "calibration_method": record.calibration_method,
    }
    return typed([row], REGISTRY_TYPES)
