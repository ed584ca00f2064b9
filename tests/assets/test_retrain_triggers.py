"""Retrain triggers: each fires once, and none while the last attempt is fresh."""

from datetime import date, timedelta

import pandas as pd
import pytest

from assets.keys import DRIFT, ERASURES, RETRAIN_LOG
from assets.lifecycle.retrain_triggers import (
    DRIFTED,
    ERASED,
    NO_CHAMPION,
    OLDEST_CHAMPION,
    TOO_OLD,
    pending_trigger,
)
from assets.lifecycle.scoring import CALIBRATION_FAILED
from assets.lifecycle.store.schemas import DRIFT_TYPES, ERASURE_TYPES, REALISED_TYPES, typed
from tests.assets.world import FIRST, LATER, PROBLEM, SPEC, World

# Two weeks after the promotion: the first date after the cool-down.
AFTER_COOL_DOWN = FIRST + timedelta(weeks=2)


def failed(world: World, *days: date) -> None:
    """Dates on which the champion's published rows have defects."""
    version = world.scored(FIRST)["model_version"].iloc[0]
    known = dict.fromkeys(REALISED_TYPES) | {"model_name": PROBLEM.name, "model_version": version}
    for day in days:
        row = typed([known | {"as_of_date": day, "defects": f"far from the rate on {day}"}], REALISED_TYPES)
        world.warehouse.replace_partition(SPEC.realised, row, column="as_of_date", value=day)


def drifted(world: World, day: date, *, slice_name: str = "all") -> None:
    version = world.scored(FIRST)["model_version"].iloc[0]
    known = dict.fromkeys(DRIFT_TYPES) | {
        "model_name": PROBLEM.name,
        "model_version": version,
        "as_of_date": day,
        "slice_name": slice_name,
        "slice_value": "all",
        "feature": "orders_365d",
        "verdict": "drifted",
        "windows_violated": 2,
    }
    world.warehouse.append(DRIFT, typed([known], DRIFT_TYPES))


def test_a_date_without_a_finding_has_no_trigger(world: World) -> None:
    assert pending_trigger(SPEC, world.warehouse, as_of=AFTER_COOL_DOWN) is None


def test_failed_calibration_is_a_trigger_that_counts_its_dates(world: World) -> None:
    failed(world, LATER, AFTER_COOL_DOWN)
    trigger = pending_trigger(SPEC, world.warehouse, as_of=AFTER_COOL_DOWN)
    assert trigger is not None
    assert (trigger.trigger, trigger.windows_violated) == (CALIBRATION_FAILED, 2)
    assert trigger.reasons == f"far from the rate on {AFTER_COOL_DOWN}"
    again = pending_trigger(SPEC, world.warehouse, as_of=AFTER_COOL_DOWN)
    assert again is not None
    assert again.key == trigger.key


def test_an_erasure_after_training_is_a_trigger_and_one_before_is_not(world: World) -> None:
    erased = dict.fromkeys(ERASURE_TYPES) | {"erasure_id": "t1", "table_name": "raw.customers"}
    before, after = pd.Timestamp("2000-01-01"), pd.Timestamp("2200-01-01")
    world.warehouse.append(ERASURES, typed([erased | {"requested_at": before}], ERASURE_TYPES))
    assert pending_trigger(SPEC, world.warehouse, as_of=AFTER_COOL_DOWN) is None
    rows = [erased | {"requested_at": after, "erasure_id": each} for each in ("t2", "t2", "t3")]
    world.warehouse.append(ERASURES, typed(rows, ERASURE_TYPES))
    trigger = pending_trigger(SPEC, world.warehouse, as_of=AFTER_COOL_DOWN)
    assert trigger is not None
    assert (trigger.trigger, trigger.windows_violated) == (ERASED, 1)
    assert trigger.reasons == "2 people were erased after it was trained"


def test_drift_of_the_whole_cohort_is_a_trigger_and_drift_of_a_slice_is_not(world: World) -> None:
    drifted(world, AFTER_COOL_DOWN, slice_name="country")
    assert pending_trigger(SPEC, world.warehouse, as_of=AFTER_COOL_DOWN) is None
    drifted(world, AFTER_COOL_DOWN)
    trigger = pending_trigger(SPEC, world.warehouse, as_of=AFTER_COOL_DOWN)
    assert trigger is not None
    assert (trigger.trigger, trigger.windows_violated) == (DRIFTED, 2)
    assert "orders_365d" in trigger.reasons


def test_an_old_champion_is_challenged(world: World) -> None:
    assert pending_trigger(SPEC, world.warehouse, as_of=FIRST + OLDEST_CHAMPION - timedelta(weeks=1)) is None
    trigger = pending_trigger(SPEC, world.warehouse, as_of=FIRST + OLDEST_CHAMPION)
    assert trigger is not None
    assert trigger.trigger == TOO_OLD
    assert trigger.reasons == f"it has served since {FIRST} and was last challenged 56 days ago"


def test_a_champion_that_has_just_won_is_not_challenged_for_its_age(world: World) -> None:
    challenged = FIRST + OLDEST_CHAMPION
    attempt = world.table(RETRAIN_LOG).assign(as_of_date=pd.Timestamp(challenged).date(), decision="refuse")
    world.warehouse.append(RETRAIN_LOG, attempt)
    assert (
        pending_trigger(SPEC, world.warehouse, as_of=challenged + OLDEST_CHAMPION - timedelta(weeks=1))
        is None
    )
    trigger = pending_trigger(SPEC, world.warehouse, as_of=challenged + OLDEST_CHAMPION)
    assert trigger is not None
    assert trigger.trigger == TOO_OLD


def test_within_the_cool_down_no_trigger_fires_twice(world: World) -> None:
    failed(world, LATER)
    assert pending_trigger(SPEC, world.warehouse, as_of=LATER) is None
    # The attempt of two weeks ago is old enough; one of last week is not.
    failed(world, AFTER_COOL_DOWN)
    assert pending_trigger(SPEC, world.warehouse, as_of=AFTER_COOL_DOWN) is not None
    attempt = world.table(RETRAIN_LOG).assign(as_of_date=pd.Timestamp(LATER).date(), decision="refuse")
    world.warehouse.append(RETRAIN_LOG, attempt)
    assert pending_trigger(SPEC, world.warehouse, as_of=AFTER_COOL_DOWN) is None


def test_scores_that_were_withheld_are_no_attempt(world: World) -> None:
    failed(world, AFTER_COOL_DOWN)
    withheld = world.table(RETRAIN_LOG).assign(
        as_of_date=pd.Timestamp(AFTER_COOL_DOWN).date(), decision="withhold"
    )
    world.warehouse.append(RETRAIN_LOG, withheld)
    assert pending_trigger(SPEC, world.warehouse, as_of=AFTER_COOL_DOWN) is not None


@pytest.mark.parametrize("weeks", [2, 4])
def test_while_a_fallback_serves_the_trigger_fires_every_other_week(world: World, weeks: int) -> None:
    with world.warehouse.connect() as connection:
        connection.execute(f"update {SPEC.champion.sql} set is_fallback = true")
    trigger = pending_trigger(SPEC, world.warehouse, as_of=FIRST + timedelta(weeks=weeks))
    assert trigger is not None
    assert trigger.trigger == NO_CHAMPION
    assert pending_trigger(SPEC, world.warehouse, as_of=LATER) is None
