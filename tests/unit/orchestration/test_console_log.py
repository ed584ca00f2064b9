"""Lines of the console log per event."""

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
from dagster._core.execution.plan.objects import StepFailureData, StepSuccessData
from dagster_shared.error import SerializableErrorInfo

from orchestration.cli.console_log import ConsoleHandler
from orchestration.terminal import Terminal, quiet

Printed = Callable[..., str]


def event(kind: dg.DagsterEventType, data: Any = None, step: str | None = "ml__scores") -> dg.DagsterEvent:
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
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """Return a function that emits events and returns the printed text."""
    handler = ConsoleHandler()

    def emit(*events: dg.DagsterEvent) -> str:
        for each in events:
            record = logging.LogRecord("console", logging.INFO, __file__, 1, "", None, None)
            record.dagster_meta = {"dagster_event": each}
            handler.emit(record)
        return capsys.readouterr().err

    return emit


def test_a_step_is_printed_when_it_starts_and_when_it_ends(printed: Printed) -> None:
    first, second = printed(
        event(dg.DagsterEventType.STEP_START),
        event(dg.DagsterEventType.STEP_SUCCESS, StepSuccessData(duration_ms=7.0)),
    ).splitlines()
    assert first.endswith("running ml__scores …")
    assert "done    ml__scores in 0.0 s" in second


def test_a_brief_log_has_only_failures(capsys: pytest.CaptureFixture[str]) -> None:
    handler = ConsoleHandler(is_brief=True)
    for each in (
        event(dg.DagsterEventType.STEP_START),
        event(dg.DagsterEventType.STEP_SUCCESS, StepSuccessData(duration_ms=7.0)),
        event(dg.DagsterEventType.STEP_FAILURE, failure("ValueError: no")),
    ):
        record = logging.LogRecord("console", logging.INFO, __file__, 1, "", None, None)
        record.dagster_meta = {"dagster_event": each}
        handler.emit(record)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("FAILED  ml__scores: ValueError: no")


def test_a_quiet_terminal_shows_stages_and_failures_and_the_log_has_every_step(tmp_path: Path) -> None:
    stream, step = io.StringIO(), "ml__scores"
    with quiet(tmp_path / "run.log"):
        screen = Terminal(stream)
        screen.expect({step: "scoring"})
        emitted = ConsoleHandler(screen=lambda: screen)
        for each in (
            event(dg.DagsterEventType.STEP_START),
            event(dg.DagsterEventType.STEP_SUCCESS, StepSuccessData(duration_ms=7.0)),
            event(dg.DagsterEventType.STEP_FAILURE, failure("ValueError: no")),
        ):
            record = logging.LogRecord("console", logging.INFO, __file__, 1, "", None, None)
            record.dagster_meta = {"dagster_event": each}
            emitted.emit(record)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert "1/1 scoring (1 step) ." in lines[0]
    assert lines[1].endswith("FAILED  ml__scores: ValueError: no")


def test_a_failed_step_is_printed_with_its_innermost_cause_in_one_line(printed: Printed) -> None:
    data = failure(
        "Error occurred while executing op", "ModelIntegrityError: model.skops:\n  sha-256 is 12ab"
    )
    text = printed(event(dg.DagsterEventType.STEP_FAILURE, data))
    assert text.count("\n") == 1
    assert "FAILED  ml__scores: ModelIntegrityError: model.skops: sha-256 is 12ab" in text
    assert "Error occurred" not in text


@pytest.mark.parametrize(
    ("blocking", "line"),
    [
        (True, "  check keys_are_unique on ml/scores FAILED (stops the run): 3 keys repeat"),
        (False, "  warning: check keys_are_unique on ml/scores did not pass: 3 keys repeat"),
    ],
)
def test_a_failed_check_is_printed_with_its_consequence(printed: Printed, blocking: bool, line: str) -> None:
    data = evaluation(passed=False, blocking=blocking)
    assert line in printed(event(dg.DagsterEventType.ASSET_CHECK_EVALUATION, data))


def test_passed_checks_and_other_events_print_nothing(printed: Printed) -> None:
    assert (
        printed(event(dg.DagsterEventType.ASSET_CHECK_EVALUATION, evaluation(passed=True, blocking=True)))
        == ""
    )
    assert printed(event(dg.DagsterEventType.RUN_START, step=None)) == ""


def test_a_record_without_an_event_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleHandler().emit(logging.LogRecord("console", logging.INFO, __file__, 1, "words", None, None))
    assert capsys.readouterr().err == ""
