"""What is loaded is what was registered, and made only of what we know."""

import functools
import hashlib
import json
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from assets.lifetime_value.propose import CODE
from assets.segments.morning import ROOM
from sklearn.preprocessing import FunctionTransformer

from assets import ASSETS
from assets.features.matrix import Matrix
from assets.lifecycle.store.artifacts import (
    ModelIntegrityError,
    TrainingRecord,
    VersionStatus,
    code_hash,
    data_hash,
    load_version,
    registry_row,
    rows_hash,
    save_version,
)
from assets.lifecycle.store.schemas import REGISTRY_TYPES
from assets.supervised.data.split import Split
from assets.supervised.fitting.calibrate import calibrated
from tests.unit.lifecycle.conftest import Trial
from tests.unit.lifecycle.world import PROBLEM


def trained(split: Split | None = None) -> TrainingRecord:
    return TrainingRecord(
        trained_at=datetime(2026, 1, 5),  # noqa: DTZ001 - tables hold naive UTC
        split=split,
        features=("days_since_order", "country"),
        n_rows=100,
        n_positive=30,
        code_hash="c",
        data_hash="d",
        model_sha256="m",
        calibration_method="sigmoid",
    )


def test_a_version_comes_back_as_it_was_saved(trial: Trial, tmp_path: Path) -> None:
    sha256 = save_version(tmp_path, trial.candidate)
    loaded = load_version(tmp_path, sha256=sha256)
    np.testing.assert_array_equal(
        loaded.probability(trial.test.features), trial.candidate.probability(trial.test.features)
    )
    assert loaded.bins == trial.candidate.bins
    assert loaded.reference == trial.candidate.reference


def test_the_fallback_is_a_version_too(trial: Trial, tmp_path: Path) -> None:
    loaded = load_version(tmp_path, sha256=save_version(tmp_path, trial.naive))
    assert loaded.is_fallback
    np.testing.assert_array_equal(
        loaded.probability(trial.test.features), trial.naive.probability(trial.test.features)
    )


def test_an_isotonic_calibration_is_made_of_trusted_types(trial: Trial, tmp_path: Path) -> None:
    fold = trial.calibration
    steps = calibrated(trial.candidate.ranker, fold.features, outcome=fold.outcome, method="isotonic")
    skops.io.dump(steps, tmp_path / "model.skops")
    (tmp_path / "facts.json").write_text(
        json.dumps(
            {
                "problem": "p",
                "method": "isotonic",
                "reference": {},
                "bins": [],
                "lowest": 0,
                "is_fallback": False,
            }
        )
    )
    joined = (tmp_path / "model.skops").read_bytes() + (tmp_path / "facts.json").read_bytes()
    loaded = load_version(tmp_path, sha256=hashlib.sha256(joined).hexdigest())
    np.testing.assert_array_equal(
        loaded.model.predict_proba(fold.features), steps.predict_proba(fold.features)
    )


@pytest.mark.parametrize("name", ["model.skops", "facts.json"])
def test_one_changed_byte_is_refused_by_name(trial: Trial, tmp_path: Path, name: str) -> None:
    sha256 = save_version(tmp_path, trial.naive)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(bytes(content))
    with pytest.raises(ModelIntegrityError, match=r"model\.skops: sha-256 is .* registered was"):
        load_version(tmp_path, sha256=sha256)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelIntegrityError, match=r"model\.skops is not there"):
        load_version(tmp_path, sha256="0" * 64)


def planted(folder: Path, model: object) -> str:
    """``model`` as a registered version: the hash is right, only the content is not ours."""
    skops.io.dump(model, folder / "model.skops")
    (folder / "facts.json").write_text("{}")
    return hashlib.sha256((folder / "model.skops").read_bytes() + b"{}").hexdigest()


def test_a_model_that_would_run_a_command_is_refused(tmp_path: Path) -> None:
    # A partial is on our list; what it wraps is not.
    sha256 = planted(tmp_path, FunctionTransformer(functools.partial(os.system, "echo owned")))
    with pytest.raises(ModelIntegrityError, match=r"no model of ours is made of: \['posix.system'\]"):
        load_version(tmp_path, sha256=sha256)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(b"not a zip")
    (tmp_path / "facts.json").write_text("{}")
    with pytest.raises(ModelIntegrityError, match="is not a skops file"):
        load_version(tmp_path, sha256=hashlib.sha256(b"not a zip{}").hexdigest())


def test_the_registry_row_carries_windows_counts_and_hashes(trial: Trial) -> None:
    standing = VersionStatus(model_version="v2", stage="champion", quality_grade="Good", supersedes="v1")
    rows = registry_row(PROBLEM, trained(trial.split), standing=standing)
    assert list(rows.columns) == list(REGISTRY_TYPES)
    row = rows.iloc[0]
    assert row["train_from"] == trial.split.train.first
    assert row["test_to"] == trial.split.test.last
    assert (row["n_negative"], row["supersedes"], row["spec_hash"]) == (70, "v1", PROBLEM.spec_hash)
    assert json.loads(row["features"]) == ["days_since_order", "country"]
    assert json.loads(row["libraries"])["scikit-learn"]
    assert json.loads(row["params"])["boosting"]["max_iter"] == 60


def test_a_fallback_without_folds_has_a_row_with_typed_holes() -> None:
    rows = registry_row(
        PROBLEM, trained(), standing=VersionStatus(model_version="f", stage="champion", quality_grade="Poor")
    )
    assert rows["train_from"].isna().all()
    assert str(rows["train_from"].dtype) == "date32[day][pyarrow]"


def test_hashes_move_with_what_they_stand_for(trial: Trial, tmp_path: Path) -> None:
    (tmp_path / "lifecycle").mkdir()
    (tmp_path / "lifecycle" / "a.py").write_text("x = 1")
    before = code_hash(tmp_path)
    (tmp_path / "lifecycle" / "a.py").write_text("x = 2")
    assert code_hash(tmp_path) != before
    half: Matrix = trial.train.of(np.arange(len(trial.train)) % 2 == 0)
    assert data_hash(half) == data_hash(trial.train.of(np.arange(len(trial.train)) % 2 == 0))
    assert data_hash(half) != data_hash(trial.train)


@pytest.mark.parametrize("package", [*CODE, ROOM])
def test_each_package_in_the_code_of_a_version_has_code(package: str, tmp_path: Path) -> None:
    # A folder that is not there would be hashed as no code, and no change would make a new version.
    assert code_hash(ASSETS, (package,)) != code_hash(tmp_path, (package,))


def test_the_last_digit_of_a_number_makes_no_other_version() -> None:
    rows = pd.DataFrame({"amount": [0.1 + 0.2, 7.0], "customer_id": ["ann", "bob"]})
    again = rows.assign(amount=[0.3, 7.0])
    assert rows["amount"].iloc[0] != again["amount"].iloc[0]
    assert rows_hash(rows) == rows_hash(again)
    assert rows_hash(rows) != rows_hash(rows.assign(amount=[0.3, 7.001]))
    assert rows_hash(rows) != rows_hash(rows.iloc[::-1])
