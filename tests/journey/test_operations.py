"""Runs that are killed, runs that meet, and the real daemon: nobody loses a number or meets a lock."""

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

from orchestration.capabilities import PROBLEMS
from tests.journey.conftest import copied
from tests.journey.daemon import Watch
from tests.journey.world import JOB, LATEST, Place, Told

# One place goes through everything in this order, in a worker of its own.

MORNING = "2024-01-01"
RUN = ("-m", "orchestration.cli.run")
PUBLISH, RETRAIN = (("-c", JOB, job, MORNING) for job in ("publish", "retrain"))
# Which run is killed, when it says that it makes what, and how many seconds later.
KILLS = (
    (RUN, "raw", 0.3),
    (RETRAIN, "ml__purchase_propensity__champion", 0.3),
    (PUBLISH, "published", 3.0),
    (PUBLISH, "consumers__snapshot", 0.05),
)
# A consumer of the snapshot, until ``stop`` is there; and a person with the warehouse open for a while.
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
    """What a killed run said and left: the snapshot's bytes before and after, and the customers in it."""

    said: str
    code: int
    before: str
    after: str
    customers: int


def killed(place: Place, arguments: tuple[str, ...], *, making: str, later: float) -> Killed:
    before = fingerprint(place.snapshot)
    process, said = place.start(*arguments), ""
    assert process.stdout is not None
    while f"making {making}" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    time.sleep(later)
    process.send_signal(signal.SIGKILL)
    code = process.wait()
    process.stdout.close()
    return Killed(
        said=said, code=code, before=before, after=fingerprint(place.snapshot), customers=customers(place)
    )


def customers(place: Place) -> int:
    return len(place.published(f"select * from {LATEST}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Survived:
    """A place after its kills, and what each of them left."""

    place: Place
    customers: int
    kills: list[Killed]


@pytest.fixture(scope="module")
def survived(first_run: tuple[Place, Told], tmp_path_factory: pytest.TempPathFactory) -> Survived:
    place = copied(first_run, tmp_path_factory.mktemp("operations") / "var")
    everybody = customers(place)
    kills = [killed(place, run, making=making, later=later) for run, making, later in KILLS]
    return Survived(place=place, customers=everybody, kills=kills)


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """Two runs started at the same moment, a person in their way, and a reader beside them."""

    place: Place
    ended: list[Told]
    seen: set[str]
    complaint: str


@pytest.fixture(scope="module")
def met(survived: Survived, tmp_path_factory: pytest.TempPathFactory) -> Met:
    place, stop = survived.place, tmp_path_factory.mktemp("met") / "stop"
    reader = beside(READER, str(place.snapshot), str(stop), LATEST)
    runs = [place.start(*arguments) for arguments in (RUN, PUBLISH)]
    person = beside(PERSON, str(place.warehouse))
    try:
        said = [each.communicate()[0] for each in runs]
    finally:
        stop.touch()
        person.kill()
        seen, complaint = reader.communicate(timeout=60)
    person_said, _ = person.communicate()
    assert person_said == "held\n"
    ended = [Told(code=run.returncode, said=text) for run, text in zip(runs, said, strict=True)]
    return Met(place=place, ended=ended, seen=set(seen.splitlines()), complaint=complaint)


def beside(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_a_run_killed_at_any_step_leaves_the_snapshot_as_it_was(survived: Survived) -> None:
    assert [each.code for each in survived.kills] == [-signal.SIGKILL] * len(KILLS)
    for each in survived.kills:
        assert each.after == each.before, each.said
        assert each.customers == survived.customers > 300


def test_two_runs_at_once_after_four_killed_ones_both_finish_and_no_lock_is_heard_of(met: Met) -> None:
    for told in met.ended:
        assert told.code == 0, told.said
        assert "Could not set lock" not in told.said
        assert "Traceback" not in told.said
    assert sum("waiting: run " in told.said for told in met.ended) == 1


def test_the_reader_beside_them_always_saw_everybody(survived: Survived, met: Met) -> None:
    assert met.seen == {f"{survived.customers} {survived.customers}"}, met.complaint


def test_nothing_unfinished_is_left_and_nothing_is_doubled(met: Met) -> None:
    assert not list(met.place.snapshot.parent.rglob("*.unfinished*"))
    assert met.place.published(f"select * from {LATEST}")["customer_id"].is_unique
    landed = met.place.kept("select source_file, count(*) as times from raw.load_log group by 1")
    assert set(landed["times"]) == {1}


def nobody_was_ever_trained(place: Place) -> None:
    """The cause: without a row in the log no attempt is fresh, and a fallback serves."""
    with duckdb.connect(str(place.warehouse)) as connection:
        connection.execute("delete from ml.retrain_log")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the daemon did before it was killed, and after it was started again."""

    zombies: list[str]
    first: list[InstigatorTick]
    second: list[InstigatorTick]
    retrained: list[dg.DagsterRun]
    refreshed: list[dg.DagsterRun]
    scheduled: list[InstigatorTick]


@pytest.fixture(scope="module")
def observed(met: Met, tmp_path_factory: pytest.TempPathFactory) -> Observed:
    watch = Watch(met.place, tmp_path_factory.mktemp("daemon"))
    nobody_was_ever_trained(met.place)
    with watch.daemon(RETRAINING):
        # One run for each problem.
        watch.until(
            lambda: sum(run.is_finished for run in watch.runs("retrain")) == len(PROBLEMS), seconds=900
        )
        first = watch.ticks(RETRAINING)
    nobody_was_ever_trained(met.place)
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


def test_the_daemon_retrains_once_for_a_cause_and_not_again_after_it_was_killed(observed: Observed) -> None:
    causes = {run.tags["dagster/run_key"] for run in observed.retrained}
    assert [key.split(":")[0] for key in sorted(causes)] == sorted(problem.name for problem in PROBLEMS)
    assert len(observed.retrained) == len(causes)
    for run in observed.retrained:
        assert run.status == dg.DagsterRunStatus.SUCCESS
        assert run.tags["retrain/trigger"] == "no model serves"
        assert run.tags["dagster/partition"] == MORNING
    asked = [set(tick.run_ids) for tick in observed.first if tick.run_ids]
    assert asked == [{run.run_id for run in observed.retrained}]
    # The causes were there again, and the keys under which they had been answered.
    assert observed.second
    assert causes <= {key for tick in observed.second for key in tick.run_keys}
    assert not [tick for tick in observed.second if tick.run_ids]


def test_the_daemon_launches_the_schedule_when_its_time_has_come(observed: Observed) -> None:
    assert [run.tags["dagster/partition"] for run in observed.refreshed] == [MORNING]
    assert observed.scheduled
    assert observed.scheduled[-1].run_ids == [observed.refreshed[-1].run_id]


def test_the_killed_runs_hold_nothing_up(observed: Observed) -> None:
    # The retraining left the queue only because the monitor had noticed that these were dead.
    assert not observed.zombies
