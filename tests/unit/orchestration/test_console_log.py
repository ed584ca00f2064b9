"""What the narrator says of each event: one line, or nothing."""

import logging
from collections.abc import Callable

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
from dagster._core.execution.plan.objects import StepFailureData, StepSuccessData
from dagster._utils.error import SerializableErrorInfo

from orchestration.cli.console_log import ConsoleHandler

Told = Callable[..., str]


def event(kind: dg.DagsterEventType, data: object = None, step: str | None = "ml__scores") -> dg.DagsterEvent:
    return dg.DagsterEvent(
        event_type_value=kind.value, job_name="predict_and_publish", step_key=step, event_specific_data=data
    )


def failure(*messages: str) -> StepFailureData:
    """A step's failure; ``messages`` from the outermost error to its innermost cause."""
    error = None
    for message in reversed(messages):
        error = SerializableErrorInfo(message=message, stack=[], cls_name="Error", cause=error)
    return StepFailureData(error=error, user_failure_data=None)


def evaluation(*, passed: bool, blocking: bool) -> AssetCheckEvaluation:
    return AssetCheckEvaluation(
        asset_key=dg.AssetKey(["ml", "scores"]),
        check_name="keys_are_unique",
        passed=passed,
        metadata={},
        severity=dg.AssetCheckSeverity.ERROR,
        description="3 keys repeat",
        blocking=blocking,
    )


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """What one narrator has said after the given events."""
    narrator = ConsoleHandler()

    def tell(*events: dg.DagsterEvent) -> str:
        for each in events:
            record = logging.LogRecord("console", logging.INFO, __file__, 1, "", None, None)
            record.dagster_meta = {"dagster_event": each}
            narrator.emit(record)
        return capsys.readouterr().err

    return tell


def test_a_step_is_told_when_it_starts_and_when_it_ends(told: Told) -> None:
    first, second = told(
        event(dg.DagsterEventType.STEP_START),
        event(dg.DagsterEventType.STEP_SUCCESS, StepSuccessData(duration_ms=7.0)),
    ).splitlines()
    assert first.endswith("making ml__scores …")
    assert "made   ml__scores in 0.0 s" in second


def test_a_brief_narrator_tells_only_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    narrator = ConsoleHandler(is_brief=True)
    for each in (
        event(dg.DagsterEventType.STEP_START),
        event(dg.DagsterEventType.STEP_SUCCESS, StepSuccessData(duration_ms=7.0)),
        event(dg.DagsterEventType.STEP_FAILURE, failure("ValueError: no")),
    ):
        record = logging.LogRecord("console", logging.INFO, __file__, 1, "", None, None)
        record.dagster_meta = {"dagster_event": each}
        narrator.emit(record)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("FAILED ml__scores: ValueError: no")


def test_a_failed_step_is_told_by_its_innermost_cause_in_one_line(told: Told) -> None:
    data = failure("Error occurred while executing op", "ModelFileRefused: model.skops:\n  sha-256 is 12ab")
    text = told(event(dg.DagsterEventType.STEP_FAILURE, data))
    assert text.count("\n") == 1
    assert "FAILED ml__scores: ModelFileRefused: model.skops: sha-256 is 12ab" in text
    assert "Error occurred" not in text


@pytest.mark.parametrize(("blocking", "consequence"), [(True, "stops the run"), (False, "warning")])
def test_a_failed_check_is_told_with_its_consequence(told: Told, blocking: bool, consequence: str) -> None:
    data = evaluation(passed=False, blocking=blocking)
    text = told(event(dg.DagsterEventType.ASSET_CHECK_EVALUATION, data))
    assert f"check keys_are_unique on ml/scores FAILED ({consequence}): 3 keys repeat" in text


def test_a_passed_check_and_everything_else_stay_silent(told: Told) -> None:
    assert (
        told(event(dg.DagsterEventType.ASSET_CHECK_EVALUATION, evaluation(passed=True, blocking=True))) == ""
    )
    assert told(event(dg.DagsterEventType.RUN_START, step=None)) == ""


def test_a_record_without_an_event_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleHandler().emit(logging.LogRecord("console", logging.INFO, __file__, 1, "words", None, None))
    assert capsys.readouterr().err == ""
