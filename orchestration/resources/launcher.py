"""Launches runs as Dagster does by default, and tells its monitor which of them were killed."""

from pathlib import Path

import dagster as dg

# Dagster exports no public name for what a launcher says of a run's health.
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus

from orchestration.resources.locks import crashed


class CrashAwareLauncher(dg.DefaultRunLauncher):
    """The default launcher, which knows a killed run from one at work.

    Without it a run killed together with its code server, or a killed ``make run``, counts as running
    until its longest time is over, and holds the pool against every run in the queue.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Whether Dagster's run monitor may ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """``FAILED`` when the process of ``run`` is gone; a run that shows no sign may not have begun."""
        if crashed(Path(self._instance.root_directory), run.run_id):
            return CheckRunHealthResult(WorkerStatus.FAILED, "the process of this run was killed")
        return CheckRunHealthResult(WorkerStatus.RUNNING)
