"""Registry rows: windows, counts and hashes of a version."""

import json
from datetime import date, datetime

from assets.lifecycle.capability import TrainingRecord
from assets.lifecycle.store.registry import Stage, VersionStatus, registry_row
from assets.lifecycle.store.schemas import REGISTRY_TYPES
from tests.unit.lifecycle.toy import SPEC

RECORD = TrainingRecord(
    n_rows=100,
    n_positive=30,
    features=("days_since_order", "country"),
    folds={"train": (date(2025, 1, 6), date(2025, 3, 3)), "test": (date(2025, 5, 5), date(2025, 5, 26))},
    horizon_days=30,
    params={"boosting": {"max_iter": 60}},
)


def status(version: str, *, stage: Stage = "champion") -> VersionStatus:
    """A version's status."""
    return VersionStatus(
        model_version=version,
        stage=stage,
        quality_grade="Good",
        trained_at=datetime(2026, 1, 5),  # noqa: DTZ001 - tables hold naive UTC
        code_hash="c",
        data_hash="d",
        model_sha256="m",
        supersedes="v1",
    )


def test_the_registry_row_has_windows_counts_and_hashes() -> None:
    rows = registry_row(SPEC, RECORD, status("v2"))
    assert list(rows.columns) == list(REGISTRY_TYPES)
    row = rows.iloc[0]
    assert (row["train_from"], row["test_to"]) == (date(2025, 1, 6), date(2025, 5, 26))
    assert (row["n_negative"], row["supersedes"], row["spec_hash"]) == (70, "v1", SPEC.spec_hash)
    assert (row["code_hash"], row["data_hash"], row["model_sha256"]) == ("c", "d", "m")
    assert json.loads(row["features"]) == ["days_since_order", "country"]
    assert json.loads(row["libraries"])["scikit-learn"]
    assert json.loads(row["params"])["boosting"]["max_iter"] == 60


def test_a_fallback_without_folds_has_a_row_with_typed_nulls() -> None:
    rows = registry_row(SPEC, TrainingRecord(n_rows=3), status("f"))
    assert rows["train_from"].isna().all()
    assert str(rows["train_from"].dtype) == "date32[day][pyarrow]"
    assert rows[["n_positive", "n_negative"]].isna().all(axis=None)
