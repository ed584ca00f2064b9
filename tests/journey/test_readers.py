"""Whoever reads the published tables notices nothing of the runs that replace them."""

import subprocess
import sys
from dataclasses import dataclass

import pytest

from tests.journey.conftest import copied
from tests.journey.world import LATEST, Place, Told

pytestmark = pytest.mark.xdist_group("readers")

# A consumer in a process of its own: it opens the file anew each time, and beside that keeps one
# connection open from before the first run. It counts what it saw until the file ``stop`` appears.
READER = """
import collections, sys, time
from pathlib import Path
import duckdb

snapshot, stop = sys.argv[1], Path(sys.argv[2])
query = "select count(*), count(distinct customer_id), max(scored_at), min(scored_at) from %s" % sys.argv[3]
patient = duckdb.connect(snapshot, read_only=True)
seen, held = collections.Counter(), collections.Counter()
while not stop.exists():
    with duckdb.connect(snapshot, read_only=True) as connection:
        seen[connection.execute(query).fetchone()] += 1
    held[patient.execute(query).fetchone()] += 1
    time.sleep(0.02)
for kind, counter in (("seen", seen), ("held", held)):
    for (rows, customers, newest, oldest), times in counter.items():
        print(kind, rows, customers, newest.isoformat(), oldest.isoformat(), times, sep="|")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Two more runs, and what a reader saw meanwhile: rows, customers, newest, oldest, how often."""

    place: Place
    instants: list[str]
    returncode: int
    complaint: str
    seen: list[list[str]]
    held: list[list[str]]


def scored_at(place: Place) -> str:
    newest = place.published(f"select max(scored_at) as newest from {LATEST}")["newest"].iloc[0]
    return str(newest.isoformat())


@pytest.fixture(scope="module")
def watched(first_run: tuple[Place, Told], tmp_path_factory: pytest.TempPathFactory) -> Watched:
    folder = tmp_path_factory.mktemp("readers")
    place, stop = copied(first_run, folder / "var"), folder / "stop"
    instants = [scored_at(place)]
    reader = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", READER, str(place.snapshot), str(stop), LATEST],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        for _ in range(2):
            told = place.run()
            assert told.code == 0, told.said
            instants.append(scored_at(place))
    finally:
        stop.touch()
        said, complaint = reader.communicate(timeout=60)
    lines = [line.split("|") for line in said.splitlines()]
    return Watched(
        place=place,
        instants=instants,
        returncode=reader.returncode,
        complaint=complaint,
        seen=[line[1:] for line in lines if line[0] == "seen"],
        held=[line[1:] for line in lines if line[0] == "held"],
    )


def test_a_reader_meets_no_error_during_two_complete_runs(watched: Watched) -> None:
    assert watched.returncode == 0, watched.complaint
    assert sum(int(times) for *_, times in watched.seen) > 50


def test_a_reader_sees_the_old_rows_or_the_new_ones_and_always_all_of_them(watched: Watched) -> None:
    for rows, customers, newest, oldest, _ in watched.seen + watched.held:
        assert (rows, customers) == ("311", "311")
        assert newest == oldest
    assert [line[2] for line in watched.seen] == watched.instants


def test_a_connection_that_stays_open_keeps_what_it_had(watched: Watched) -> None:
    assert [line[2] for line in watched.held] == watched.instants[:1]


def test_the_same_morning_three_times_over_doubles_nothing(watched: Watched) -> None:
    for table in ("purchase_propensity", "purchase_propensity_latest"):
        assert watched.place.published(f"select * from published.{table}")["customer_id"].is_unique
    for table in ("model_registry", "levels", "retrain_log"):
        assert len(watched.place.published(f"select * from published.{table}")) == 1
    landed = watched.place.kept("select source_file, count(*) as times from raw.landings group by 1")
    assert set(landed["times"]) == {1}


def test_each_run_leaves_its_own_rows_in_the_ledger_of_checks(watched: Watched) -> None:
    per_run = watched.place.published("select run_id, count(*) as checks from published.checks group by 1")
    assert len(per_run) == 3
    assert per_run["checks"].nunique() == 1
