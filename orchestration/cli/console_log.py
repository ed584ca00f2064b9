"""The run as a person at the terminal sees it: one line when a step starts, one when it ends."""

import logging
import sys
import time

import dagster as dg

from assets.transform.remediation import NEXT_STEP
from orchestration.sensors import innermost_error

# The record attribute Dagster keeps its structured event under.
_META = "dagster_meta"


class ConsoleHandler(logging.Handler):
    """Turns Dagster's events into short lines: what is being made, how long it took, what failed.

    Args:
        is_brief: Leave out what went as it should.
    """

    def __init__(self, *, is_brief: bool = False) -> None:
        super().__init__()
        self._is_brief = is_brief
        self._started = time.monotonic()
        self._step_started: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        event = (getattr(record, _META, None) or {}).get("dagster_event")
        line = self._line(event) if isinstance(event, dg.DagsterEvent) else _warning(record)
        if line is not None:
            sys.stderr.write(f"[{time.monotonic() - self._started:6.1f} s] {line}\n")
            sys.stderr.flush()

    def _line(self, event: dg.DagsterEvent) -> str | None:
        step = event.step_key or ""
        match event.event_type:
            case dg.DagsterEventType.STEP_START:
                self._step_started[step] = time.monotonic()
                return None if self._is_brief else f"making {step} …"
            case dg.DagsterEventType.STEP_SUCCESS if not self._is_brief:
                return f"made   {step} in {time.monotonic() - self._step_started[step]:.1f} s"
            case dg.DagsterEventType.STEP_FAILURE:
                return f"FAILED {step}: {innermost_error(event)}"
            case dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                return _failed_check(event.asset_check_evaluation_data)
            case _:
                return None


def _warning(record: logging.LogRecord) -> str | None:
    """What a step or a resource warns of in words: that it waits, for one."""
    told: dict[str, str] = getattr(record, _META, None) or {}
    return told.get("orig_message") if record.levelno == logging.WARNING else None


def _failed_check(evaluation: dg.AssetCheckEvaluation) -> str | None:
    if evaluation.passed:
        return None
    consequence = "stops the run" if evaluation.blocking else "warning"
    asset = evaluation.asset_key.to_user_string()
    told = (
        f"  check {evaluation.check_name} on {asset} FAILED ({consequence}): {evaluation.description or ''}"
    )
    next_step = evaluation.metadata.get(NEXT_STEP)
    return f"{told}\n    next: {next_step.value}" if next_step else told


def _logger(context: dg.InitLoggerContext) -> logging.Logger:
    # Not logging.getLogger: a logger of its own, so that nothing but Dagster's events reaches the terminal.
    logger = logging.Logger("console")
    logger.addHandler(ConsoleHandler(is_brief=context.logger_config["is_brief"]))
    return logger


console_logger = dg.LoggerDefinition(
    logger_fn=_logger,
    config_schema={"is_brief": dg.Field(bool, default_value=False)},
    description="One line per step and per failed check, for a person at the terminal.",
)
