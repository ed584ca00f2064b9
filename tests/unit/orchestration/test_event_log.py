"""The event log with cached connections: other processes read and write the same files."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from orchestration.resources.event_log import FOLDER, KEPT_OPEN, CachedEventLog
from orchestration.settings import PROJECT
from tests.journey.event_log_stress import CHECKS, WRITERS, stress

KEY = dg.AssetKey("orders")


@dg.asset(key=KEY, check_specs=[dg.AssetCheckSpec("there_are_some", asset=KEY)])
def _orders() -> dg.MaterializeResult:  # type: ignore[type-arg]
    checked = dg.AssetCheckResult(passed=True, check_name="there_are_some")
    return dg.MaterializeResult(metadata={"rows": 3}, check_results=[checked])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(PROJECT / "orchestration" / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


def test_events_of_a_run_are_read_by_another_process(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert isinstance(instance.event_log_storage, CachedEventLog)
        run = dg.materialize([_orders], instance=instance)
    with dg.DagsterInstance.from_config(str(home)) as later:
        (record,) = later.fetch_materializations(KEY, limit=5).records
        assert record.asset_materialization is not None
        assert record.asset_materialization.metadata["rows"].value == 3
        (checked,) = later.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(KEY, "there_are_some"), limit=5
        )
        assert checked.run_id == run.run_id
    assert (home / "history" / "runs" / "index.db").is_file()
    assert (home / "history" / "runs" / f"{run.run_id}.db").is_file()


def test_dagsters_own_log_reads_the_same_files(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        dg.materialize([_orders], instance=instance)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert not isinstance(instance.event_log_storage, CachedEventLog)
        assert len(instance.fetch_materializations(KEY, limit=5).records) == 1


def open_files(home: Path) -> set[str]:
    """Which event logs this process has open."""
    targets = {link.resolve() for link in Path("/proc/self/fd").iterdir()}
    return {target.name for target in targets if target.parent == home / FOLDER and target.suffix == ".db"}


def test_the_newest_files_stay_open_until_the_log_is_put_away(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        runs = [dg.materialize([_orders], instance=instance).run_id for _ in range(KEPT_OPEN + 2)]
        assert open_files(home) == {"index.db", *(f"{run}.db" for run in runs[-KEPT_OPEN + 1 :])}
        assert instance.all_logs(runs[0])
    assert open_files(home) == set()
    assert not list((home / FOLDER).glob("*-wal"))


def test_two_that_keep_it_open_see_what_the_other_wrote(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as one, dg.DagsterInstance.from_config(str(home)) as other:
        for times in range(1, 4):
            for instance in (one, other):
                dg.materialize([_orders], instance=instance)
            for instance in (one, other):
                assert len(instance.fetch_materializations(KEY, limit=100).records) == 2 * times


def test_two_writers_and_a_reader_of_one_home_meet_no_error(tmp_path: Path) -> None:
    # The long form is a script: fifty rounds.
    rounds = 4
    result = stress(tmp_path / "home", rounds=rounds)
    assert result.errors == []
    assert result.materialisations == WRITERS * rounds
    assert result.evaluations == WRITERS * rounds * len(CHECKS)
