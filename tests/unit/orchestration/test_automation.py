"""Schedules and sensors."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.definitions.repository_definition import RepositoryDefinition
from dagster._core.definitions.sensor_definition import SensorExecutionData
from dagster._utils.schedules import schedule_execution_time_iterator

from assets.calendar import as_of_on_or_before
from assets.defs import as_of_partitions
from assets.lifecycle.retrain_triggers import DRIFTED, RetrainTrigger
from orchestration.jobs import REFRESH, RETRAIN, SCORE
from orchestration.resources.locks import ResourceLocked
from orchestration.sensors import (
    exports_landed_sensor,
    quick_fingerprint,
    retrain_triggered_sensor,
    schedules,
)

ZONE = "Europe/Berlin"


def own(problem: str) -> list[dg.AssetKey]:
    return {"purchase_propensity": [dg.AssetKey("scores")]}[problem]


DRIFT = RetrainTrigger(
    capability="purchase_propensity", as_of=date(2025, 3, 3), trigger=DRIFTED, version="v1",
    windows_violated=2, reasons="beyond the training weeks' own range: orders_365d",
)  # fmt: skip


def repository(*automata: dg.ScheduleDefinition | dg.SensorDefinition) -> RepositoryDefinition:
    """Two assets per as-of date since 2010, and jobs of the names that ``automata`` launch."""
    days = as_of_partitions(date(2010, 1, 4), None, time_zone=ZONE)

    @dg.asset(partitions_def=days)
    def scores() -> None: ...

    @dg.asset(partitions_def=days)
    def of_another_problem() -> None: ...

    made = [scores, of_another_problem]
    return dg.Definitions(
        assets=made,
        jobs=[dg.define_asset_job(name, made) for name in (REFRESH, SCORE, RETRAIN)],
        schedules=[each for each in automata if isinstance(each, dg.ScheduleDefinition)],
        sensors=[each for each in automata if isinstance(each, dg.SensorDefinition)],
    ).get_repository_def()


def tick(sensor: dg.SensorDefinition, cursor: str | None = None) -> SensorExecutionData:
    context = dg.build_sensor_context(cursor=cursor, repository_def=repository(sensor))
    return sensor.evaluate_tick(context)


def asked_at(name: str, when: datetime, *, ended: date = date.max) -> dg.RunRequest:
    """What the schedule ``name`` asks for at ``when``, of a business whose calendar stops at ``ended``."""
    offered = schedules(time_zone=ZONE, newest=lambda day: as_of_on_or_before(min(day, ended)))
    schedule = next(each for each in offered if each.name == name)
    context = dg.build_schedule_context(scheduled_execution_time=when, repository_def=repository(schedule))
    (request,) = schedule.evaluate_tick(context).run_requests or []
    return request


@pytest.mark.parametrize("name", ["refresh_schedule", "score_schedule"])
def test_a_schedule_asks_for_the_newest_monday_of_the_business(name: str) -> None:
    # 3 March 2025 is a Monday; on the Sunday before, the newest as-of date is 24 February.
    monday = datetime(2025, 3, 3, 6, tzinfo=ZoneInfo(ZONE))
    assert asked_at(name, monday).partition_key == "2025-03-03"
    assert asked_at(name, monday.replace(month=3, day=2)).partition_key == "2025-02-24"


def test_a_schedule_of_an_ended_data_set_requests_its_last_as_of_date() -> None:
    # Online Retail ends on Friday 9 December 2011: its newest as-of date is Monday the 5th.
    today = datetime(2026, 3, 3, 6, tzinfo=ZoneInfo(ZONE))
    assert asked_at("score_schedule", today, ended=date(2011, 12, 10)).partition_key == "2011-12-05"


def test_each_schedule_ticks_at_its_local_hour_in_summer_and_winter() -> None:
    ticks = {}
    for each in schedules(time_zone=ZONE, newest=as_of_on_or_before):
        assert each.execution_timezone == ZONE
        # The clocks go forward on Sunday 30 March 2025, from UTC+1 to UTC+2.
        start = datetime(2025, 3, 29, 12, tzinfo=ZoneInfo(ZONE)).timestamp()
        found = schedule_execution_time_iterator(start, each.cron_schedule, ZONE)
        ticks[each.name] = [next(found).isoformat() for _ in range(2)]
    assert ticks == {
        "refresh_schedule": ["2025-03-30T05:00:00+02:00", "2025-03-31T05:00:00+02:00"],
        "score_schedule": ["2025-03-31T06:00:00+02:00", "2025-04-07T06:00:00+02:00"],
    }


def test_two_ticks_of_a_schedule_are_two_runs_and_one_tick_is_one() -> None:
    first, second = (datetime(2025, 3, day, 6, tzinfo=ZoneInfo(ZONE)) for day in (3, 10))
    keys = [asked_at("score_schedule", when).run_key for when in (first, first, second)]
    assert keys[0] == keys[1] != keys[2]


def test_the_partition_exists_from_local_midnight_on() -> None:
    # Six o'clock on Monday in Sydney is still Sunday in UTC.
    days = as_of_partitions(date(2025, 1, 6), None, time_zone="Australia/Sydney")
    six = datetime(2025, 3, 3, 6, tzinfo=ZoneInfo("Australia/Sydney"))
    with partition_loading_context(effective_dt=six):
        assert days.get_last_partition_key() == "2025-03-03"
    with partition_loading_context(effective_dt=six - timedelta(hours=7)):
        assert days.get_last_partition_key() == "2025-02-24"


class LoadRecord:
    """A landing folder and its sensor; the cursor survives restarts, as in Dagster."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cursor = folder, ""

    def deliver(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def look(self) -> list[dg.RunRequest]:
        """One tick of a new sensor, as after a restart."""
        sensor = exports_landed_sensor(lambda: self.folder.iterdir(), newest=lambda: date(2025, 3, 3))
        ticked = tick(sensor, self.cursor or None)
        self.cursor = ticked.cursor or ""
        return list(ticked.run_requests or [])

    def looks(self, times: int) -> list[dg.RunRequest]:
        return [request for _ in range(times) for request in self.look()]


@pytest.fixture
def landing(tmp_path: Path) -> LoadRecord:
    return LoadRecord(tmp_path)


def test_nothing_is_asked_before_anything_was_delivered(landing: LoadRecord) -> None:
    assert landing.looks(3) == []


def test_a_delivery_is_refreshed_once_across_restarts(landing: LoadRecord) -> None:
    landing.deliver("orders.csv", "a")
    (request,) = landing.looks(4)
    assert request.partition_key == "2025-03-03"


def test_a_file_that_still_grows_is_waited_for(landing: LoadRecord) -> None:
    for text in ("a", "ab", "abc"):
        landing.deliver("orders.csv", text)
        assert landing.look() == []
    assert len(landing.look()) == 1


def test_the_same_bytes_written_again_are_nothing_new(landing: LoadRecord) -> None:
    landing.deliver("orders.csv", "a")
    landing.looks(2)
    landing.deliver("orders.csv", "a")
    assert landing.looks(3) == []


def test_every_change_is_a_run_of_its_own_even_back_to_what_it_was(landing: LoadRecord) -> None:
    keys = []
    for text in ("a", "b", "a", "b"):
        landing.deliver("orders.csv", text)
        keys += [request.run_key for request in landing.looks(3)]
    (landing.folder / "orders.csv").rename(landing.folder / "orders_2025.csv")
    keys += [request.run_key for request in landing.looks(3)]
    assert len(keys) == len(set(keys)) == 5


def test_a_file_deleted_during_the_tick_is_no_error(tmp_path: Path) -> None:
    assert quick_fingerprint([tmp_path / "gone.csv"]) == quick_fingerprint([])


def test_the_run_of_a_trigger_has_its_key() -> None:
    sensor = retrain_triggered_sensor(lambda: [DRIFT], assets_to_retrain=own)
    first, again = (tick(sensor).run_requests or [] for _ in range(2))
    (request,), (repeated,) = first, again
    assert request.run_key == repeated.run_key == DRIFT.key
    assert request.partition_key == "2025-03-03"
    assert request.tags["retrain/trigger"] == DRIFTED
    assert request.tags["retrain/windows_violated"] == "2"
    assert request.asset_selection == [dg.AssetKey("scores")]


def test_no_trigger_no_run() -> None:
    ticked = tick(retrain_triggered_sensor(list, assets_to_retrain=own))
    assert not ticked.run_requests
    assert ticked.skip_message == "no retrain trigger"


def test_a_locked_warehouse_is_read_at_the_next_tick() -> None:
    def causes() -> Iterator[RetrainTrigger]:
        raise ResourceLocked("warehouse.duckdb is open in python (PID 7); close it there")
        yield DRIFT

    ticked = tick(retrain_triggered_sensor(causes, assets_to_retrain=own))
    assert not ticked.run_requests
    assert "PID 7" in (ticked.skip_message or "")
