"""Dagster's default run launcher, extended by the detection of crashed runs.

It uses private names of Dagster; ``tests/unit/orchestration/test_private_names.py`` pins
the version that it was checked against.
"""

from pathlib import Path

import dagster as dg

# Dagster exports no public name for the result of a launcher's health check.
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus

from orchestration.resources.locks import crashed


class CrashAwareLauncher(dg.DefaultRunLauncher):
    """Default launcher that distinguishes crashed runs from running ones.

    Without it a run killed together with its code server, or a killed ``make run``, counts as running until
    its maximum runtime is over, and blocks the pool for every run in the queue.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Return that Dagster's run monitor may check the health of runs."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """``FAILED`` if the process of ``run`` is gone; without a liveness file it counts as running."""
        if crashed(Path(self._instance.root_directory), run.run_id):
            return CheckRunHealthResult(WorkerStatus.FAILED, "the process of this run was killed")
        return CheckRunHealthResult(WorkerStatus.RUNNING)
