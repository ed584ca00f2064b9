"""Log of a run on the terminal: one line when a step starts, one when it ends, one per failed check."""

import logging
import sys
import time
from collections.abc import Callable

import dagster as dg

from assets.ingest.defs import DELIVERY
from assets.transform.remediation import NEXT_STEP
from orchestration.alerts import cause
from orchestration.terminal import Terminal, quiet_terminal

# Attribute of a log record that holds Dagster's structured event.
_META = "dagster_meta"


class ConsoleHandler(logging.Handler):
    """Format Dagster's events as short lines: started steps, their duration, failures.

    Args:
        is_brief: Print failures and warnings only.
        screen: Returns the terminal while it is quiet, ``None`` while everything is shown on it.
    """

    def __init__(
        self, *, is_brief: bool = False, screen: Callable[[], Terminal | None] = quiet_terminal
    ) -> None:
        super().__init__()
        self._screen = screen
        self._is_brief = is_brief
        self._started = time.monotonic()
        self._step_started: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        event = (getattr(record, _META, None) or {}).get("dagster_event")
        line = self._line(event) if isinstance(event, dg.DagsterEvent) else _warning(record)
        if line is not None:
            sys.stderr.write(f"[{time.monotonic() - self._started:6.1f} s] {line}\n")
            sys.stderr.flush()
        if (screen := self._screen()) is not None:
            _show(screen, event if isinstance(event, dg.DagsterEvent) else None, line)

    def _line(self, event: dg.DagsterEvent) -> str | None:
        step = event.step_key or ""
        match event.event_type:
            case dg.DagsterEventType.STEP_START:
                self._step_started[step] = time.monotonic()
                return None if self._is_brief else f"running {step} …"
            case dg.DagsterEventType.STEP_SUCCESS if not self._is_brief:
                return f"done    {step} in {time.monotonic() - self._step_started[step]:.1f} s"
            case dg.DagsterEventType.STEP_FAILURE:
                return f"FAILED  {step}: {cause(event)}"
            # A run can fail before its first step: a run lock that is held, a warehouse of another layout.
            case dg.DagsterEventType.RUN_FAILURE if event.job_failure_data.error:
                return f"FAILED  {cause(event)}"
            case dg.DagsterEventType.ASSET_MATERIALIZATION:
                return _delivery(event)
            case dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                return _failed_check(event.asset_check_evaluation_data)
            case _:
                return None


def _show(screen: Terminal, event: dg.DagsterEvent | None, line: str | None) -> None:
    """Show progress by stage, and in full what a person should know."""
    kind = event.event_type if event is not None else None
    step = (event.step_key if event is not None else None) or ""
    if kind == dg.DagsterEventType.STEP_START:
        screen.step_started(step)
    elif kind == dg.DagsterEventType.STEP_SUCCESS:
        screen.step_ended(step)
    elif line is not None:
        screen.event(line)


def _warning(record: logging.LogRecord) -> str | None:
    """Return a warning of a step or a resource, such as the wait for a lock."""
    meta: dict[str, str] = getattr(record, _META, None) or {}
    return meta.get("orig_message") if record.levelno == logging.WARNING else None


def _delivery(event: dg.DagsterEvent) -> str | None:
    """What was delivered, as the landing step describes it."""
    found = event.step_materialization_data.materialization.metadata.get(DELIVERY)
    return f"delivered:\n{found.value}" if found is not None else None


def _failed_check(evaluation: dg.AssetCheckEvaluation) -> str | None:
    if evaluation.passed:
        return None
    check = f"check {evaluation.check_name} on {evaluation.asset_key.to_user_string()}"
    outcome = (
        f"  {check} FAILED (stops the run)" if evaluation.blocking else f"  warning: {check} did not pass"
    )
    text = f"{outcome}: {evaluation.description or ''}"
    next_step = evaluation.metadata.get(NEXT_STEP)
    return f"{text}\n    next: {next_step.value}" if next_step else text


def _logger(context: dg.InitLoggerContext) -> logging.Logger:
    # Not logging.getLogger: on a separate logger only Dagster's events reach the terminal.
    logger = logging.Logger("console")
    logger.addHandler(ConsoleHandler(is_brief=context.logger_config["is_brief"]))
    return logger


console_logger = dg.LoggerDefinition(
    logger_fn=_logger,
    config_schema={"is_brief": dg.Field(bool, default_value=False)},
    description="One line per step and per failed check, for a person at the terminal.",
)
