"""One run of the tiny shop, shared by whoever only reads what it left."""

import fcntl
import json
import shutil
from pathlib import Path

import pytest

from tests.journey.world import Place, Told


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> tuple[Place, Told]:
    """The tiny shop after its first run, and what the run said; read it, but change only a copy.

    The run takes most of a minute, so the workers of one session share it: the first makes it, the
    others wait at the lock.
    """
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    place, told = Place(var_dir=shared / "first_run"), shared / "first_run.json"
    with (shared / "first_run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            ended = place.run()
            told.write_text(json.dumps({"code": ended.code, "said": ended.said}))
    return place, Told(**json.loads(told.read_text()))


def copied(first_run: tuple[Place, Told], var_dir: Path) -> Place:
    """A place of its own that looks as if the first run had been there."""
    source, told = first_run
    assert told.code == 0, told.said
    shutil.copytree(source.var_dir, var_dir)
    return Place(var_dir=var_dir)
