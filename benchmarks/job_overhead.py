"""The main job on a tiny shop: wall time of the whole process against the time inside its steps."""

import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.ratio import Figure, table
from orchestration.resources.event_log import CachedEventLog
from orchestration.settings import PROJECT

RUNS = 3
BUSINESS = "sample_shop"
FINISHED = re.compile(r"Finished running .*\(([0-9.]+)s\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds of one whole process and of its parts.

    Attributes:
        wall: From start to end of the process.
        steps: Inside the steps.
        dbt_steps: Of that, inside the steps that call dbt.
        models: Of that, dbt's models and tests; the rest is dbt starting up and reading the project.
    """

    wall: float
    steps: float
    dbt_steps: float
    models: float


def measure() -> Figure:
    """Measure runs on fresh folders: nothing parsed, landed or trained before."""
    runs = [_run() for _ in range(RUNS)]
    outside, started, models, python = (
        median(values)
        for values in (
            [run.wall - run.steps for run in runs],
            [run.dbt_steps - run.models for run in runs],
            [run.models for run in runs],
            [run.steps - run.dbt_steps for run in runs],
        )
    )
    return Figure(
        name="whole job on a tiny shop against its steps",
        ours=tuple(run.wall for run in runs),
        limits=tuple(run.steps for run in runs),
        meaning=(
            f"Outside the steps {outside:.1f} s (imports, dbt parse, definitions, event log); inside: dbt "
            f"starting up {started:.1f} s, dbt models and tests {models:.1f} s, Python {python:.1f} s."
        ),
        alarming=(
            "Alarming above 2, or when dbt's start takes much longer than its models and tests: every run "
            "pays that, whatever its size."
        ),
    )


def _run() -> Spent:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        _main_job(Path(folder))
        wall = time.perf_counter() - started
        steps = _step_seconds(Path(folder) / BUSINESS / "dagster")
        models = _dbt_seconds(Path(folder) / BUSINESS / "dbt")
    return Spent(
        wall=wall,
        steps=sum(steps.values()),
        dbt_steps=sum(steps[name] for name in models),
        models=sum(models.values()),
    )


def _main_job(folder: Path) -> None:
    """Run the process of ``make run`` in this environment, with the folders replaced."""
    named = {"VAR_DIR": folder, "BUSINESS": f"config/{BUSINESS}.yaml", "SIZE": "tiny"}
    command = ["/usr/bin/env", *(f"{name}={value}" for name, value in named.items())]
    finished = subprocess.run(  # noqa: S603 - constant arguments, no shell
        [*command, sys.executable, "-m", "orchestration.cli.run"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise RuntimeError(f"the main job failed:\n{finished.stderr[-2000:]}")


def _step_seconds(home: Path) -> dict[str, float]:
    """Seconds of each step of the only run in ``home``."""
    log = CachedEventLog(str(home))
    (run_id,) = log.get_all_run_ids()
    return {
        stats.step_key: (stats.end_time or 0.0) - (stats.start_time or 0.0)
        for stats in log.get_step_stats_for_run(run_id)
    }


def _dbt_seconds(target: Path) -> dict[str, float]:
    """Seconds that dbt spent on models and tests, by step, from the log of each step."""
    found = {}
    for log in target.glob("*/dbt.log"):
        finished = FINISHED.search(log.read_text(encoding="utf-8"))
        if finished is not None:
            found[log.parent.name] = float(finished[1])
    return found


if __name__ == "__main__":
    sys.stdout.write(table([measure()]))
