"""A stored model is the one that was saved, with its calibration and its reference row."""

from pathlib import Path

import numpy as np

from assets.lifecycle.store.artifacts import load_model, save_model
from assets.supervised.fitting.calibrate import calibrated
from assets.supervised.fitting.fitted_store import MODEL_TYPES, from_artifact, to_artifact
from assets.supervised.fitting.train import Fitted
from tests.unit.supervised.conftest import Trained


def stored(folder: Path, fitted: Fitted) -> Fitted:
    """``fitted`` written and read back."""
    model, facts = to_artifact(fitted)
    sha256 = save_model(folder, model, facts=facts, trusted=MODEL_TYPES)
    return from_artifact(*load_model(folder, sha256=sha256, trusted=MODEL_TYPES))


def test_a_version_comes_back_as_it_was_saved(trained: Trained, tmp_path: Path) -> None:
    loaded = stored(tmp_path, trained.candidate)
    np.testing.assert_array_equal(
        loaded.probability(trained.test.features), trained.candidate.probability(trained.test.features)
    )
    assert loaded.bins == trained.candidate.bins
    assert loaded.reference == trained.candidate.reference


def test_the_baseline_can_be_stored_too(trained: Trained, tmp_path: Path) -> None:
    loaded = stored(tmp_path, trained.baseline)
    assert loaded.is_fallback
    np.testing.assert_array_equal(
        loaded.probability(trained.test.features), trained.baseline.probability(trained.test.features)
    )


def test_an_isotonic_calibration_is_made_of_trusted_types(trained: Trained, tmp_path: Path) -> None:
    fold = trained.calibration
    steps = calibrated(trained.candidate.ranker, fold.features, outcome=fold.outcome, method="isotonic")
    sha256 = save_model(tmp_path, steps, facts={}, trusted=MODEL_TYPES)
    loaded, _ = load_model(tmp_path, sha256=sha256, trusted=MODEL_TYPES)
    np.testing.assert_array_equal(loaded.predict_proba(fold.features), steps.predict_proba(fold.features))
