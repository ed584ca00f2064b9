"""Two writers and a reader of one Dagster home: ``python -m tests.journey.event_log_stress``.

Two processes on one home once failed with "disk I/O error". Each round opens the instance again in every
process, so that SQLite creates and removes its write-ahead logs while the others read and write.
"""

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from queue import Empty
from typing import Any

import dagster as dg
import pytest

from orchestration.settings import PROJECT

KEY = dg.AssetKey("orders")
CHECKS = tuple(f"check_{number}" for number in range(20))
WRITERS = 2
# A process that waits longer for the others has lost one.
LONGEST_ROUND_SECONDS = 300


@dg.asset(key=KEY, check_specs=[dg.AssetCheckSpec(name, asset=KEY) for name in CHECKS])
def orders() -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One materialisation and as many checks as a table of the product has."""
    results = [dg.AssetCheckResult(passed=True, check_name=name) for name in CHECKS]
    return dg.MaterializeResult(check_results=results)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stressed:
    """Errors of all processes, what the home holds in the end, and the processor time of the writers."""

    errors: list[str]
    materialisations: int
    evaluations: int
    cpu_seconds: float


def stress(home: Path, *, rounds: int, is_cached: bool = True) -> Stressed:
    """Write and read ``rounds`` times in three processes.

    Args:
        home: Dagster's home; created.
        rounds: How often each process opens the instance.
        is_cached: Whether the event log is the product's, or Dagster's own.
    """
    home.mkdir(parents=True)
    if is_cached:
        shutil.copy(PROJECT / "orchestration" / "dagster.yaml", home)
    else:
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with pytest.MonkeyPatch.context() as patch, _opened(home, patch.setenv):
        pass
    spawned = multiprocessing.get_context("spawn")
    barrier, found = spawned.Barrier(WRITERS + 1), spawned.Queue()
    processes = [
        spawned.Process(target=_repeat, args=(home, rounds, barrier, found, is_writer))
        for is_writer in (*[True] * WRITERS, False)
    ]
    for process in processes:
        process.start()
    errors, cpu = list[str](), 0.0
    for _ in processes:
        error, seconds = _taken(found)
        errors += [error] if error else []
        cpu += seconds
    for process in processes:
        process.join(timeout=10)
        process.kill()
    with pytest.MonkeyPatch.context() as patch, _opened(home, patch.setenv) as instance:
        records = instance.fetch_materializations(KEY, limit=10 * rounds).records
        log = instance.event_log_storage
        evaluations = sum(
            len(log.get_asset_check_execution_history(dg.AssetCheckKey(KEY, name), limit=10 * rounds))
            for name in CHECKS
        )
    return Stressed(errors=errors, materialisations=len(records), evaluations=evaluations, cpu_seconds=cpu)


def _opened(home: Path, setenv: Callable[[str, str], object]) -> dg.DagsterInstance:
    setenv("DAGSTER_HOME", str(home))
    return dg.DagsterInstance.from_config(str(home))


def _taken(found: Any) -> tuple[str, float]:
    try:
        error, seconds = found.get(timeout=LONGEST_ROUND_SECONDS)
    except Empty:
        return "a process did not end", 0.0
    return str(error), float(seconds)


def _repeat(home: Path, rounds: int, barrier: Barrier, found: Any, is_writer: bool) -> None:
    """The work of one process; an error ends it, and breaks the barrier of the others."""
    started, error = time.process_time(), ""
    try:
        for _ in range(rounds):
            barrier.wait(timeout=LONGEST_ROUND_SECONDS)
            with _opened(home, os.environ.__setitem__) as instance:
                if is_writer:
                    dg.materialize([orders], instance=instance)
                else:
                    _read(instance)
    except Exception as raised:  # noqa: BLE001 - whatever the storage raises is the result
        error = f"{type(raised).__name__}: {raised}"
        barrier.abort()
    found.put((error, time.process_time() - started if is_writer else 0.0))


def _read(instance: dg.DagsterInstance) -> None:
    for _ in range(10):
        instance.fetch_materializations(KEY, limit=5)
        for run in instance.get_runs(limit=3):
            instance.all_logs(run.run_id)


def main(arguments: Sequence[str]) -> int:
    """Print the result with the product's event log and with Dagster's own; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args(arguments).rounds
    failed = 0
    for is_cached in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            result = stress(Path(folder) / "home", rounds=rounds, is_cached=is_cached)
        name = "the product's event log" if is_cached else "Dagster's own event log"
        sys.stdout.write(f"{name}: {result}\n")
        sys.stdout.flush()
        failed += len(result.errors) * is_cached
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
