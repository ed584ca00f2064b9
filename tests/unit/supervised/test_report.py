"""The model card of a supervised version states recorded facts alone."""

from datetime import datetime

import pandas as pd

from assets.lifecycle.capability import TrainingRecord
from assets.lifecycle.gate import decide, refused
from assets.lifecycle.report.grade import FALLBACK
from assets.lifecycle.report.model_card import model_card
from assets.lifecycle.store.metric_lookup import overall
from assets.lifecycle.store.registry import VersionStatus, registry_row
from assets.lifecycle.store.schemas import BIN_TYPES, METRIC_TYPES, typed
from assets.supervised.capability import SupervisedCapability
from assets.supervised.data.split import Split
from assets.supervised.evaluation.evaluation import RecordedMetrics
from assets.supervised.evaluation.gate import grade
from assets.supervised.spec import COMPARED
from tests.unit.supervised.conftest import Trained
from tests.unit.supervised.world import PROBLEM

CAPABILITY = SupervisedCapability(PROBLEM)


def registered(version: str, *, grade_name: str, split: Split | None = None) -> pd.DataFrame:
    """The registry row of a version."""
    names = ("train", "calibration", "test") if split else ()
    folds = {name: (fold.first, fold.last) for name in names for fold in (getattr(split, name),)}
    status = VersionStatus(
        model_version=version,
        stage="champion",
        quality_grade=grade_name,
        trained_at=datetime(2026, 1, 5),  # noqa: DTZ001 - tables hold naive UTC
        code_hash="c",
        data_hash="d",
    )
    record = TrainingRecord(n_rows=100, n_positive=30, folds=folds, calibration_method="sigmoid")
    return registry_row(CAPABILITY.spec, record, status)


def test_a_card_states_question_grade_windows_and_intervals(
    trained: Trained, evaluation: RecordedMetrics
) -> None:
    decision = decide(evaluation.metrics, COMPARED)
    given = grade(evaluation.metrics, decision)
    text = model_card(
        CAPABILITY,
        registered("v2", grade_name=given.name, split=trained.split),
        decision=decision,
        metrics=evaluation.metrics,
        bins=evaluation.bins,
    )
    assert text.startswith("# purchase_propensity, version v2\n\n**Who buys next month?**")
    assert f"Grade **{given.name}**: {given.meaning}" in text
    assert f"| test | {trained.split.test.first} | {trained.split.test.last} |" in text
    assert str(overall(evaluation.metrics, "auc")) in text
    assert decision.reasons[0] in text
    assert "| country = other |" in text


def test_the_card_of_a_refusal_has_the_reason_and_no_metrics() -> None:
    decision = refused("3 matured as-of dates, 11 needed")
    text = model_card(
        CAPABILITY,
        registered("f", grade_name=FALLBACK.name),
        decision=decision,
        metrics=typed([], METRIC_TYPES),
        bins=typed([], BIN_TYPES),
    )
    assert "Not promoted:\n\n* 3 matured as-of dates, 11 needed" in text
    assert "| train | \u2013 | \u2013 |" in text
    assert "AUC" not in text
