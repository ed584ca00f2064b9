"""Processes wait for the warehouse file while another has it open, and report a timeout."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd
import pytest
import yaml
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.environments import Environment

from assets.keys import Key
from orchestration.policies import WAREHOUSE_LOCK_TIMEOUT
from orchestration.resources.dbt_manifest import DBT_PROJECT_DIR
from orchestration.resources.locks import (
    ResourceLocked,
    crashed,
    hold_liveness_lock,
    prune,
    retry_while_locked,
    run_lock,
)
from orchestration.resources.warehouse import DuckDBWarehouse

HOLDER = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""
TABLE = Key("ml", "things")


@contextmanager
def held_by_another_process(file: Path, seconds: float) -> Iterator[int]:
    """Start a process that keeps ``file`` open for ``seconds``; yields its id."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", HOLDER, str(file), str(seconds)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process.pid
        finally:
            process.kill()


class Clock:
    """A clock that moves only during sleep."""

    def __init__(self) -> None:
        self.now, self.sleeps = 100.0, 0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps += 1


def held_until(clock: Clock, instant: float) -> Callable[[], str]:
    def attempt() -> str:
        if clock.now < instant:
            raise ResourceLocked("the file is open in python (PID 7)")
        return "mine"

    return attempt


def test_an_unlocked_resource_is_used_at_once() -> None:
    clock = Clock()
    found = retry_while_locked(held_until(clock, 0), timeout=timedelta(0), clock=clock, sleep=clock.sleep)
    assert (found, clock.sleeps) == ("mine", 0)


def test_a_resource_released_in_time_is_used_and_the_wait_is_logged_once_a_minute() -> None:
    clock, logged = Clock(), list[str]()
    found = retry_while_locked(
        held_until(clock, 230),
        timeout=timedelta(minutes=3),
        log=logged.append,
        clock=clock,
        sleep=clock.sleep,
    )
    assert found == "mine"
    # 130 s of waiting: logged at 0, 60 and 120 s.
    assert logged == ["waiting: the file is open in python (PID 7)"] * 3


def test_a_timeout_names_the_holder_and_the_time_waited() -> None:
    clock = Clock()
    with pytest.raises(ResourceLocked, match=r"open in python \(PID 7\) \(waited 180 s\)"):
        retry_while_locked(
            held_until(clock, 1e9), timeout=timedelta(minutes=3), clock=clock, sleep=clock.sleep
        )


def test_another_error_is_not_retried() -> None:
    clock = Clock()

    def broken() -> None:
        raise ValueError("not a lock")

    with pytest.raises(ValueError, match="not a lock"):
        retry_while_locked(broken, timeout=timedelta(hours=1), clock=clock, sleep=clock.sleep)
    assert clock.sleeps == 0


def test_the_warehouse_waits_for_a_person_who_has_it_open(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    with held_by_another_process(warehouse.path, 1.0):
        assert warehouse.replace(TABLE, pd.DataFrame({"a": [1, 2]})) == 2
    assert len(warehouse.read(f"select * from {TABLE.sql}")) == 2


def test_a_timeout_of_the_warehouse_names_the_file_and_its_holder(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"), lock_timeout_seconds=0.3)
    with held_by_another_process(warehouse.path, 60) as pid, pytest.raises(ResourceLocked) as logged:
        warehouse.exists(TABLE)
    assert f"{warehouse.path} is open in" in str(logged.value)
    assert f"(PID {pid})" in str(logged.value)
    # The console log prints the innermost cause, which must not be DuckDB's message.
    assert logged.value.__cause__ is None
    assert logged.value.__context__ is None


def test_a_file_that_is_no_database_is_not_waited_for(tmp_path: Path) -> None:
    broken = tmp_path / "warehouse.duckdb"
    broken.write_text("rubbish" * 1000)
    started = time.monotonic()
    with pytest.raises(duckdb.IOException, match="not a valid DuckDB database"):
        DuckDBWarehouse(database=str(broken)).exists(TABLE)
    assert time.monotonic() - started < 5


def test_dbt_waits_too_and_about_as_long(tmp_path: Path) -> None:
    profile = yaml.safe_load((DBT_PROJECT_DIR / "profiles.yml").read_text())
    output = profile["marketing"]["outputs"]["duckdb"] | {"path": str(tmp_path / "warehouse.duckdb")}
    output["database"], output["schema"] = "warehouse", "main"
    credentials = DuckDBCredentials.from_dict(output)
    with held_by_another_process(Path(output["path"]), 0.5):
        Environment.initialize_db(credentials).close()
    # It sleeps 1, 2, 4, ... seconds: enough attempts for the lock timeout of our own steps.
    attempts = credentials.retries.connect_attempts
    assert 2**attempts - 1 >= 0.8 * WAREHOUSE_LOCK_TIMEOUT.total_seconds()


def test_one_run_holds_the_lock_at_a_time_and_the_other_logs_the_holder(tmp_path: Path) -> None:
    file, logged = tmp_path / "warehouse.lock", list[str]()
    with (
        run_lock(file, run_id="first", timeout=timedelta(0)),
        pytest.raises(ResourceLocked, match=r"run first .* holds the run lock"),
        run_lock(file, run_id="second", timeout=timedelta(seconds=0.3), log=logged.append),
    ):
        pytest.fail("two runs at once")
    assert len(logged) == 1
    with run_lock(file, run_id="third", timeout=timedelta(0)):
        assert file.read_text().startswith("run third ")


def test_a_run_has_crashed_if_its_process_is_gone_before_it_ended(tmp_path: Path) -> None:
    with hold_liveness_lock(tmp_path, "at work"):
        assert not crashed(tmp_path, "at work")
    assert not crashed(tmp_path, "at work")
    assert not crashed(tmp_path, "never begun")
    # SIGKILL leaves the file without a lock on it.
    (tmp_path / "alive" / "killed").touch()
    assert crashed(tmp_path, "killed")


def test_files_of_crashed_runs_are_removed_once_their_end_is_recorded(tmp_path: Path) -> None:
    with hold_liveness_lock(tmp_path, "at work"):
        for killed in ("known to have ended", "not noticed yet"):
            (tmp_path / "alive" / killed).touch()
        prune(tmp_path, has_ended=lambda run_id: run_id != "not noticed yet")
        assert {sign.name for sign in (tmp_path / "alive").iterdir()} == {"at work", "not noticed yet"}
    prune(tmp_path / "a home without runs", has_ended=lambda _run_id: True)


def test_a_starting_run_removes_the_files_of_recorded_crashes(tmp_path: Path) -> None:
    @dg.op(required_resource_keys={"warehouse"})
    def works() -> None:
        signs.extend(sorted(sign.name for sign in (tmp_path / "alive").iterdir()))

    @dg.job(resource_defs={"warehouse": DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))})
    def working() -> None:
        works()

    signs = list[str]()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        killed = [instance.create_run_for_job(working) for _ in range(2)]
        instance.report_run_failed(killed[0])
        (tmp_path / "alive").mkdir()
        for run in killed:
            (tmp_path / "alive" / run.run_id).touch()
        result = working.execute_in_process(instance=instance)
    assert signs == sorted([result.run_id, killed[1].run_id])


def test_kept_open_each_call_is_a_transaction_and_others_wait_until_the_end(tmp_path: Path) -> None:
    mine = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    rows = pd.DataFrame({"n": [1, 2]})
    with mine.kept_open():
        mine.replace(TABLE, rows)
        with pytest.raises(duckdb.CatalogException):
            _empty_and_fail(mine)
        assert mine.read(f"select * from {TABLE.sql}").equals(rows)
        assert is_refused(mine.path)
    assert not is_refused(mine.path)
    assert mine.read(f"select * from {TABLE.sql}").equals(rows)


def _empty_and_fail(warehouse: DuckDBWarehouse) -> None:
    with warehouse.connect() as connection:
        connection.execute(f"delete from {TABLE.sql}")
        connection.execute("select * from ml.nothing")


def is_refused(file: Path) -> bool:
    """Whether another process is refused the file."""
    ended = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", HOLDER, str(file), "0"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0 or "Could not set lock" in ended.stderr
    return ended.returncode != 0
