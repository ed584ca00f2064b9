"""Readers of the published tables are not disturbed by the runs that replace them."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journey.conftest import copied
from tests.journey.world import LATEST, Place, RunResult

# A consumer in a separate process: either it opens the file again each time, or it keeps the one
# connection that it opened before the run. Two processes, because DuckDB hands a second connection
# of one process the file that the first one holds. It counts what it saw until the file ``stop`` appears.
READER = """
import collections, sys, time
from contextlib import nullcontext
from pathlib import Path
import duckdb

kind, snapshot, stop, table = sys.argv[1:]
query = "select count(*), count(distinct customer_id), max(scored_at), min(scored_at) from %s" % table
opened = lambda: duckdb.connect(snapshot, read_only=True)
patient = opened() if kind == "held" else None
counter = collections.Counter()
while not Path(stop).exists():
    with nullcontext(patient) if patient else opened() as connection:
        counter[connection.execute(query).fetchone()] += 1
    time.sleep(0.1)
for (rows, customers, newest, oldest), times in counter.items():
    print(rows, customers, newest.isoformat(), oldest.isoformat(), times, sep="|")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A second run, and the results of readers meanwhile: rows, customers, newest, oldest, how often."""

    place: Place
    instants: list[str]
    returncodes: list[int]
    complaint: str
    seen: list[list[str]]
    held: list[list[str]]


def scored_at(place: Place) -> str:
    newest = place.published(f"select max(scored_at) as newest from {LATEST}")["newest"].iloc[0]
    return str(newest.isoformat())


@pytest.fixture(scope="module")
def watched(first_run: tuple[Place, RunResult], tmp_path_factory: pytest.TempPathFactory) -> Watched:
    folder = tmp_path_factory.mktemp("readers")
    place, stop = copied(first_run, folder / "var"), folder / "stop"
    instants = [scored_at(place)]
    readers = [reader(kind, place, stop) for kind in ("seen", "held")]
    try:
        result = place.run()
        assert result.code == 0, result.output
        instants.append(scored_at(place))
    finally:
        stop.touch()
        seen, held = (each.communicate(timeout=60) for each in readers)
    return Watched(
        place=place,
        instants=instants,
        returncodes=[each.returncode for each in readers],
        complaint=seen[1] + held[1],
        seen=[line.split("|") for line in seen[0].splitlines()],
        held=[line.split("|") for line in held[0].splitlines()],
    )


def reader(kind: str, place: Place, stop: Path) -> subprocess.Popen[str]:
    """Start a consumer that reads until ``stop`` exists: ``seen`` reconnects each time, ``held`` never."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", READER, kind, str(place.snapshot), str(stop), LATEST],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_reader_meets_no_error_during_a_complete_run(watched: Watched) -> None:
    assert watched.returncodes == [0, 0], watched.complaint
    assert sum(int(times) for *_, times in watched.seen) > 50


def test_a_reader_sees_the_old_rows_or_the_new_ones_and_always_all_of_them(watched: Watched) -> None:
    for rows, customers, newest, oldest, _ in watched.seen + watched.held:
        assert (rows, customers) == ("333", "333")
        assert newest == oldest
    assert [line[2] for line in watched.seen] == watched.instants


def test_a_connection_that_stays_open_keeps_what_it_had(watched: Watched) -> None:
    assert [line[2] for line in watched.held] == watched.instants[:1]


def test_a_second_run_of_an_as_of_date_duplicates_no_row(watched: Watched) -> None:
    for table in ("purchase_propensity", "purchase_propensity_latest", "churn", "churn_latest"):
        assert watched.place.published(f"select * from published.{table}")["customer_id"].is_unique
    probabilities = ["churn", "purchase_propensity"]
    every_capability = ["churn", "lifetime_value", "purchase_propensity", "segments"]
    for table, model_names in (
        ("prediction_totals", probabilities),
        ("retrain_log", every_capability),
    ):
        rows = watched.place.published(f"select * from published.{table}")
        assert sorted(rows["model_name"]) == model_names, table
    versions = watched.place.published("select * from published.model_registry")
    assert versions["model_version"].is_unique
    assert sorted({*versions["model_name"]}) == every_capability
    landed = watched.place.kept("select source_file, count(*) as times from raw.load_log group by 1")
    assert set(landed["times"]) == {1}


def test_each_run_leaves_its_own_rows_in_the_ledger_of_checks(watched: Watched) -> None:
    per_run = watched.place.published("select run_id, count(*) as checks from published.checks group by 1")
    assert len(per_run) == 2
    assert per_run["checks"].nunique() == 1
