"""Killed runs, concurrent runs and the daemon: no row is lost, and no run fails on a lock."""

import hashlib
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster._core.scheduler.instigation import InstigatorTick

from assets.lifecycle.retrain_triggers import NO_CHAMPION
from orchestration.capabilities import CAPABILITIES
from tests.journey.conftest import copied
from tests.journey.daemon import Watch
from tests.journey.world import JOB, LATEST, Place, RunResult

# One place goes through all of this in order, in a worker of its own.

TRIGGERED = [each.spec.name for each in CAPABILITIES if each.spec.retrain == "on_trigger"]
AS_OF = "2024-01-01"
RUN = ("-m", "orchestration.cli.run")
PUBLISH, RETRAIN = (("-c", JOB, job, AS_OF) for job in ("publish", "retrain"))
# The run to kill, the step after whose start it is killed, and the delay in seconds.
KILLS = (
    (RUN, "raw", 0.3),
    (RETRAIN, "ml__purchase_propensity__champion", 0.3),
    (PUBLISH, "published", 3.0),
    (PUBLISH, "consumers__snapshot", 0.05),
)
# A consumer that reads the snapshot until ``stop`` exists, and a person with the warehouse open for 5 s.
READER = """
import sys, time, duckdb
from pathlib import Path
snapshot, stop, table = sys.argv[1:]
while not Path(stop).exists():
    with duckdb.connect(snapshot, read_only=True) as connection:
        print(*connection.execute("select count(*), count(distinct customer_id) from " + table).fetchone())
    time.sleep(0.05)
"""
PERSON = """
import sys, time, duckdb
while True:
    try:
        connection = duckdb.connect(sys.argv[1])
    except duckdb.IOException:
        time.sleep(0.05)
        continue
    print("held", flush=True)
    time.sleep(5)
    break
"""
RETRAINING, REFRESHING = "retrain_triggered_sensor", "refresh_schedule"


def fingerprint(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """Output of a killed run, hashes of the snapshot before and after, and its number of customers."""

    output: str
    code: int
    before: str
    after: str
    customers: int


def killed(place: Place, arguments: tuple[str, ...], *, making: str, later: float) -> Killed:
    before = fingerprint(place.snapshot)
    process, output = place.start(*arguments), ""
    assert process.stdout is not None
    while f"running {making}" not in output:
        line = process.stdout.readline()
        assert line, output
        output += line
    time.sleep(later)
    process.send_signal(signal.SIGKILL)
    code = process.wait()
    process.stdout.close()
    return Killed(
        output=output, code=code, before=before, after=fingerprint(place.snapshot), customers=customers(place)
    )


def customers(place: Place) -> int:
    return len(place.published(f"select * from {LATEST}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Survived:
    """A place after its kills, with the result of each."""

    place: Place
    customers: int
    kills: list[Killed]


@pytest.fixture(scope="module")
def survived(first_run: tuple[Place, RunResult], tmp_path_factory: pytest.TempPathFactory) -> Survived:
    place = copied(first_run, tmp_path_factory.mktemp("operations") / "var")
    everybody = customers(place)
    kills = [killed(place, run, making=making, later=later) for run, making, later in KILLS]
    return Survived(place=place, customers=everybody, kills=kills)


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """Two concurrent runs, a person with the warehouse open, and a reader of the snapshot."""

    place: Place
    ended: list[RunResult]
    seen: set[str]
    complaint: str


@pytest.fixture(scope="module")
def met(survived: Survived, tmp_path_factory: pytest.TempPathFactory) -> Met:
    place, stop = survived.place, tmp_path_factory.mktemp("met") / "stop"
    reader = beside(READER, str(place.snapshot), str(stop), LATEST)
    runs = [place.start(*arguments) for arguments in (RUN, PUBLISH)]
    person = beside(PERSON, str(place.warehouse))
    try:
        output = [each.communicate()[0] for each in runs]
    finally:
        stop.touch()
        person.kill()
        seen, complaint = reader.communicate(timeout=60)
    person_output, _ = person.communicate()
    assert person_output == "held\n"
    ended = [RunResult(code=run.returncode, output=text) for run, text in zip(runs, output, strict=True)]
    return Met(place=place, ended=ended, seen=set(seen.splitlines()), complaint=complaint)


def beside(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_a_run_killed_at_any_step_leaves_the_snapshot_as_it_was(survived: Survived) -> None:
    assert [each.code for each in survived.kills] == [-signal.SIGKILL] * len(KILLS)
    for each in survived.kills:
        assert each.after == each.before, each.output
        assert each.customers == survived.customers > 300


def test_two_concurrent_runs_after_four_killed_ones_both_succeed(met: Met) -> None:
    for result in met.ended:
        assert result.code == 0, result.output
        assert "Could not set lock" not in result.output
        assert "Traceback" not in result.output
    assert sum("waiting: run " in result.output for result in met.ended) == 1


def test_the_reader_always_saw_all_customers(survived: Survived, met: Met) -> None:
    assert met.seen == {f"{survived.customers} {survived.customers}"}, met.complaint


def test_no_unfinished_file_and_no_duplicate_row_is_left(met: Met) -> None:
    assert not list(met.place.snapshot.parent.rglob("*.unfinished*"))
    assert met.place.published(f"select * from {LATEST}")["customer_id"].is_unique
    landed = met.place.kept("select source_file, count(*) as times from raw.load_log group by 1")
    assert set(landed["times"]) == {1}


def forget_all_training(place: Place) -> None:
    """Create the trigger: without a row in the log there is no recent attempt, and a fallback serves."""
    with duckdb.connect(str(place.warehouse)) as connection:
        connection.execute("delete from ml.retrain_log")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Ticks and runs of the daemon before it was killed and after its restart."""

    zombies: list[str]
    first: list[InstigatorTick]
    second: list[InstigatorTick]
    retrained: list[dg.DagsterRun]
    refreshed: list[dg.DagsterRun]
    scheduled: list[InstigatorTick]


@pytest.fixture(scope="module")
def observed(met: Met, tmp_path_factory: pytest.TempPathFactory) -> Observed:
    watch = Watch(met.place, tmp_path_factory.mktemp("daemon"))
    forget_all_training(met.place)
    with watch.daemon(RETRAINING):
        # One run for each capability that is retrained on a trigger.
        watch.until(
            lambda: sum(run.is_finished for run in watch.runs("retrain")) == len(TRIGGERED), seconds=900
        )
        first = watch.ticks(RETRAINING)
    forget_all_training(met.place)
    with watch.daemon(RETRAINING, REFRESHING):
        watch.until(lambda: len(watch.ticks(RETRAINING)) > len(first))
        watch.until(lambda: watch.ticks(REFRESHING))
        second = watch.ticks(RETRAINING)[: -len(first)]
    with watch.place.instance() as instance:
        started = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    return Observed(
        zombies=[run.run_id for run in started if not run.remote_job_origin],
        first=first,
        second=second,
        retrained=watch.runs("retrain"),
        refreshed=watch.runs("refresh"),
        scheduled=watch.ticks(REFRESHING),
    )


def test_the_daemon_retrains_once_per_trigger_also_after_a_kill(observed: Observed) -> None:
    causes = {run.tags["dagster/run_key"] for run in observed.retrained}
    assert [key.split(":")[0] for key in sorted(causes)] == sorted(TRIGGERED)
    assert len(observed.retrained) == len(causes)
    for run in observed.retrained:
        assert run.status == dg.DagsterRunStatus.SUCCESS
        assert run.tags["retrain/trigger"] == NO_CHAMPION
        assert run.tags["dagster/partition"] == AS_OF
    asked = [set(tick.run_ids) for tick in observed.first if tick.run_ids]
    assert asked == [{run.run_id for run in observed.retrained}]
    # The triggers were pending again, and their run keys were known.
    assert observed.second
    assert causes <= {key for tick in observed.second for key in tick.run_keys}
    assert not [tick for tick in observed.second if tick.run_ids]


def test_the_daemon_launches_the_schedule(observed: Observed) -> None:
    assert [run.tags["dagster/partition"] for run in observed.refreshed] == [AS_OF]
    assert observed.scheduled
    assert observed.scheduled[-1].run_ids == [observed.refreshed[-1].run_id]


def test_killed_runs_do_not_block_the_queue(observed: Observed) -> None:
    # The retraining left the queue because the monitor had marked these runs as failed.
    assert not observed.zombies
