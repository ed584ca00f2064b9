"""Dagster's daemon on a place, and its recorded ticks and runs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import yaml
from dagster._core.scheduler.instigation import InstigatorTick

from tests.journey.world import Place

# The daemon loads the real definitions with short intervals, so that a test need not wait.
SHORT_INTERVALS = """
import os
from datetime import timedelta
from orchestration import policies

policies.TRIGGERS_CHECK_EVERY = policies.ERASURES_CHECK_EVERY = timedelta(seconds=5)
policies.REFRESH_AT = "* * * * *"
policies.ON_BY_DEFAULT = frozenset(os.environ["ON_BY_DEFAULT"].split())

from orchestration.definitions import definitions
"""


class Watch:
    """The daemon and its code server on one place, and their recorded ticks and runs."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place, self.folder = place, folder
        (folder / "short_intervals.py").write_text(SHORT_INTERVALS)
        location = {"python_file": {"relative_path": "short_intervals.py", "location_name": "marketing"}}
        (folder / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [location]}))

    @contextmanager
    def daemon(self, *on: str) -> Iterator[None]:
        """Run the daemon with the schedules and sensors ``on``; at the end it is killed with its children."""
        command = [str(Path(sys.executable).parent / "dagster-daemon"), "run", "-w", "workspace.yaml"]
        surroundings = dict(self.place.environment) | {"ON_BY_DEFAULT": " ".join(on)}
        log = (self.folder / "daemon.log").open("a")
        with (
            log,
            subprocess.Popen(  # noqa: S603 - our own command
                command, cwd=self.folder, env=surroundings, stdout=log, stderr=log, start_new_session=True
            ) as process,
        ):
            try:
                yield
            finally:
                os.killpg(process.pid, signal.SIGKILL)

    def ticks(self, name: str) -> list[InstigatorTick]:
        """Completed ticks of one sensor or schedule, newest first."""
        with self.place.instance() as instance:
            states = [each for each in instance.all_instigator_state() if each.instigator_name == name]
            return [
                tick
                for state in states
                for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)
                if tick.is_completed
            ]

    def runs(self, job: str) -> list[dg.DagsterRun]:
        """Runs of ``job`` that the daemon launched."""
        with self.place.instance() as instance:
            return [run for run in instance.get_runs(dg.RunsFilter(job_name=job)) if run.remote_job_origin]

    def until(self, condition: Callable[[], object], *, seconds: float = 180) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (self.folder / "daemon.log").read_text()[-5000:]
            time.sleep(0.5)
