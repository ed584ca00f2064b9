"""One line for each run that failed, for whatever pages people: ``reports/alerts.jsonl``."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from assets.defs import PARTITION_TAG


def alert(file: Path, run: dg.DagsterRun, failures: Iterable[dg.DagsterEvent], *, otherwise: str) -> None:
    """Append one line about ``run`` to ``file``, whose folder need not be there.

    Args:
        file: Lines of JSON, oldest first.
        run: The run that failed.
        failures: What became of its failed steps.
        otherwise: The reason when no step failed: the run was killed, for one.
    """
    steps = {event.step_key: cause(event) for event in failures}
    line = {
        "noticed_at": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "job": run.job_name,
        "run_id": run.run_id,
        "partition": run.tags.get(PARTITION_TAG),
        "steps": list(steps),
        "reason": "; ".join(steps.values()) or " ".join(otherwise.split()),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


def alert_of(result: dg.ExecuteInProcessResult, file: Path) -> None:
    """Append the line of a failed run that a terminal made: no sensor hears of those."""
    words = result.get_run_failure_event().message or ""
    alert(file, result.dagster_run, result.get_step_failure_events(), otherwise=words)


def cause(event: dg.DagsterEvent) -> str:
    """The innermost error of a failed step, in one line: what a person can act on."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return " ".join(error.message.split()) if error else event.message or ""
