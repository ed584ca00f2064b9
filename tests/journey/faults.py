"""Kills, short memory, damaged files: published tables stay complete, and runs complete or name the fault.

``make faults`` runs the tiny shop, or takes an earlier run, and injects all faults into a copy: runs killed
at random moments, several in a row on request, then each other fault once.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb

from orchestration.definitions import definitions_for
from orchestration.jobs import PREDICT_AND_PUBLISH, PUBLISH
from orchestration.settings import Settings
from tests.journey.damage import DAMAGES, Damage, NotHere
from tests.journey.world import Place

LEDGER = "checks"
NOT_RUN = "NOT RUN"
# A forked child has imported everything, and its exit code is its own.
FORK = multiprocessing.get_context("fork")
Counts = dict[str, tuple[int, int | None]]


class Lost(AssertionError):
    """A fault that lost or duplicated data, or was not reported; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """Exit code or negative signal of a run, its output and its duration."""

    code: int
    output: str
    seconds: float


@dataclass(slots=True)
class Harness:
    """The place into which faults are injected; ``whole`` is a copy from before the first one."""

    place: Place
    whole: Path
    as_of: str
    log: Path
    counts: Counts = field(init=False)
    definitions: dg.Definitions = field(init=False)

    def __post_init__(self) -> None:
        self.definitions = definitions_for(Settings())
        self.counts = counted(self.place)

    def restore(self) -> None:
        """Restore the state from before the first fault."""
        shutil.rmtree(self.place.var_dir)
        shutil.copytree(self.whole, self.place.var_dir)

    def run(self, job: str, *, damage: Damage | None = None, kill_after: float | None = None) -> Child:
        """Run ``job`` in a process of its own, under ``damage``, killed after so many seconds.

        The process is forked from this one, which has imported everything and started nothing.
        """
        started = time.monotonic()
        process = FORK.Process(target=self._in_child, args=(job, damage))
        process.start()
        process.join(kill_after)
        if process.is_alive():
            process.kill()
            process.join()
        code = process.exitcode or 0
        return Child(code=code, output=self.log.read_text(), seconds=time.monotonic() - started)

    def _in_child(self, job: str, damage: Damage | None) -> None:
        with self.log.open("w") as log:
            os.dup2(log.fileno(), sys.stdout.fileno())
            os.dup2(log.fileno(), sys.stderr.fileno())
        whole = self.definitions.resolve_job_def(job)
        if damage is not None:
            damage.limit()
        ended = whole.execute_in_process(
            instance=dg.DagsterInstance.get(), partition_key=self.as_of, raise_on_error=False,
            run_config={"loggers": {"console": {}}}, asset_selection=_selected(whole, damage),
        )  # fmt: skip
        sys.exit(0 if ended.success else 1)

    def refuse_loss(self, child: Child) -> None:
        """Raise ``Lost`` unless the published tables have every row once."""
        found = counted(self.place)
        differs = {name for name in {*found, *self.counts} if found.get(name) != self.counts.get(name)}
        if differs:
            raise Lost(
                f"after exit code {child.code} these differ: {sorted(differs)}\n{child.output[-3000:]}"
            )

    def completes(self) -> Child:
        """Run the main job to its end; nothing may be lost or duplicated afterwards."""
        child = self.run(PREDICT_AND_PUBLISH)
        if child.code != 0:
            raise Lost(f"the next run did not complete:\n{child.output[-3000:]}")
        self.refuse_loss(child)
        self._refuse_lost_facts()
        return child

    def _refuse_lost_facts(self) -> None:
        before = Place(var_dir=self.whole)
        sql = "select source_file, sum(rows_loaded)::bigint as n from raw.load_log group by 1 order by 1"
        was, now = before.kept(sql), self.place.kept(sql)
        if not was.equals(now):
            raise Lost(f"landed rows differ:\n{was}\n{now}")


def counted(place: Place) -> Counts:
    """Count rows and customers of each published table; the file must be readable.

    The table of checks is left out: it has more rows after every run.
    """
    with duckdb.connect(str(place.snapshot), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() order by 1").fetchall()
        owners = connection.execute(
            "select table_name from duckdb_columns() where column_name = 'customer_id'"
        ).fetchall()
        return {
            name: connection.execute(
                f"select count(*), {'count(distinct customer_id)' if (name,) in owners else 'null'} "
                f'from published."{name}"'
            ).fetchall()[0]
            for (name,) in tables
            if name != LEDGER
        }


def _selected(job: dg.JobDefinition, damage: Damage | None) -> list[dg.AssetKey] | None:
    if damage is None or damage.without is None:
        return None
    spared = dg.AssetKey.from_user_string(damage.without)
    return sorted(job.asset_layer.selected_asset_keys - {spared})


def kills(harness: Harness, *, times: int, every: int, seed: int) -> Iterator[str]:
    """Kill runs at random moments; after every ``every``-th kill and the last one, run one to its end."""
    draw = random.Random(seed)  # noqa: S311 - moments, not secrets
    longest: dict[str, float] = {}
    for number in range(1, times + 1):
        job = draw.choice((PREDICT_AND_PUBLISH, PUBLISH))
        if job not in longest:
            longest[job] = harness.run(job).seconds
        moment = draw.uniform(0, longest[job])
        child = harness.run(job, kill_after=moment)
        harness.refuse_loss(child)
        how = "killed" if child.code == -signal.SIGKILL else f"ended with {child.code}"
        line = f"{number}: {job} {how} after {child.seconds:.1f} s at {_last_step(child.output)}"
        if number % every == 0 or number == times:
            line += f"; the next run took {harness.completes().seconds:.0f} s"
        yield line


def damaged(harness: Harness, damage: Damage) -> str:
    """Run under ``damage``, which must be named, and once more after its repair, which must complete."""
    harness.restore()
    try:
        damage.plant(harness.place)
    except NotHere as why:
        return f"{damage.name}: {NOT_RUN}, this machine does not allow it: {why}"
    try:
        child = harness.run(PREDICT_AND_PUBLISH, damage=damage)
        harness.refuse_loss(child)
        _refuse_silence(damage, child)
        damage.mend(harness.place, harness.whole)
        harness.completes()
    finally:
        damage.leave(harness.place)
    outcome = (
        f"says {damage.words.pattern!r}" if damage.words else "is killed" if damage.is_killed else "completes"
    )
    return f"{damage.name}: {outcome}; afterwards a run completes"


def _refuse_silence(damage: Damage, child: Child) -> None:
    expected = -signal.SIGKILL if damage.is_killed else 0
    if damage.words is None and child.code != expected:
        raise Lost(f"{damage.name}: exit code {child.code}, not {expected}:\n{child.output[-3000:]}")
    if damage.words is not None and (child.code == 0 or not damage.words.search(child.output)):
        raise Lost(f"{damage.name}: exit code {child.code}, not these words:\n{child.output[-3000:]}")


def main(arguments: Sequence[str]) -> int:
    """Inject every fault and print its result; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--every", type=int, default=1, help="kills in a row before a run may complete")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--first",
        type=Path,
        help="the folder of a run of the tiny shop by this same code: other code makes other versions",
    )
    parser.add_argument("--only", nargs="*", choices=[each.name for each in DAMAGES], help="these damages")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        harness = begun(Path(folder), first=asked.first)
        started = time.monotonic()
        for line in kills(harness, times=asked.kills, every=asked.every, seed=asked.seed):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        others = 0
        for damage in DAMAGES:
            if asked.only is None or damage.name in asked.only:
                line = damaged(harness, damage)
                others += NOT_RUN not in line
                sys.stdout.write(f"{line}\n")
        took = timedelta(seconds=round(time.monotonic() - started))
        sys.stdout.write(f"survived: {asked.kills} kills and {others} other faults, in {took}\n")
    return 0


def begun(folder: Path, *, first: Path | None) -> Harness:
    """Create a harness on the tiny shop, which is run first unless ``first`` is given."""
    place, whole = Place(var_dir=folder / "var"), folder / "whole"
    if first is not None:
        shutil.copytree(first, place.var_dir)
    os.environ.update(place.environment)
    if first is None:
        line = place.run()
        if line.code != 0:
            raise Lost(f"the first run failed:\n{line.output[-3000:]}")
    shutil.copytree(place.var_dir, whole)
    as_of = str(
        place.published("select max(as_of_date)::date as day from published.prediction_totals")["day"][0]
    )[:10]
    return Harness(place=place, whole=whole, as_of=as_of, log=folder / "run.log")


def _last_step(output: str) -> str:
    steps = [line.split("running ", 1)[1].rstrip(" …") for line in output.splitlines() if "running " in line]
    return steps[-1] if steps else "its start"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
