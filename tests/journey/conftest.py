"""One run of the tiny shop, shared by all tests that only read its results."""

import fcntl
import json
import shutil
from pathlib import Path

import pytest

from tests.journey.world import Place, RunResult


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> tuple[Place, RunResult]:
    """The tiny shop after its first run, and the result of that run; change only a copy.

    The run takes most of a minute, so the workers of one session share it: the first one runs it, the others
    wait for the lock.
    """
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    place, result = Place(var_dir=shared / "first_run"), shared / "first_run.json"
    with (shared / "first_run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            ended = place.run()
            result.write_text(json.dumps({"code": ended.code, "output": ended.output}))
    return place, RunResult(**json.loads(result.read_text()))


def copied(first_run: tuple[Place, RunResult], var_dir: Path) -> Place:
    """Copy the place of the first run."""
    source, result = first_run
    assert result.code == 0, result.output
    shutil.copytree(source.var_dir, var_dir)
    return Place(var_dir=var_dir)
