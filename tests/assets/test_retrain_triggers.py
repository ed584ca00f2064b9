"""A model is wanted for a cause, once, and not again while the last attempt is fresh."""

from datetime import date, timedelta

import pandas as pd
import pytest

from assets.keys import DRIFT, ERASURES, RETRAIN_LOG
from assets.lifecycle.retrain_triggers import (
    CALIBRATION_FAILED,
    DRIFTED,
    ERASED,
    NOBODY_SERVES,
    OLDEST_CHAMPION,
    TOO_OLD,
    pending_trigger,
)
from assets.lifecycle.store.control_tables import replace_row
from assets.lifecycle.store.schemas import DRIFT_TYPES, ERASURE_TYPES, REALISED_TYPES, typed
from tests.assets.world import FIRST, LATER, PROBLEM, World

# Two weeks after the promotion: the first morning after the cool-down.
AWAKE = FIRST + timedelta(weeks=2)


def failed(world: World, *days: date) -> None:
    """Mornings on which the champion's published rows had not come true."""
    version = world.scored(FIRST)["model_version"].iloc[0]
    known = dict.fromkeys(REALISED_TYPES) | {"model_name": PROBLEM.name, "model_version": version}
    for day in days:
        row = typed([known | {"as_of_date": day, "faults": f"said too much on {day}"}], REALISED_TYPES)
        replace_row(world.warehouse, PROBLEM.realised, row, as_of=day)


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


def test_a_quiet_morning_wants_nothing(world: World) -> None:
    assert pending_trigger(PROBLEM, world.warehouse, as_of=AWAKE) is None


def test_failed_probabilities_are_a_cause_that_counts_its_mornings(world: World) -> None:
    failed(world, LATER, AWAKE)
    cause = pending_trigger(PROBLEM, world.warehouse, as_of=AWAKE)
    assert cause is not None
    assert (cause.trigger, cause.windows_violated) == (CALIBRATION_FAILED, 2)
    assert cause.reasons == f"said too much on {AWAKE}"
    again = pending_trigger(PROBLEM, world.warehouse, as_of=AWAKE)
    assert again is not None
    assert again.key == cause.key


def test_somebody_erased_since_it_was_trained_is_a_cause_and_somebody_before_is_not(world: World) -> None:
    erased = dict.fromkeys(ERASURE_TYPES) | {"erasure_id": "t1", "table_name": "raw.customers"}
    before, after = pd.Timestamp("2000-01-01"), pd.Timestamp("2200-01-01")
    world.warehouse.append(ERASURES, typed([erased | {"requested_at": before}], ERASURE_TYPES))
    assert pending_trigger(PROBLEM, world.warehouse, as_of=AWAKE) is None
    rows = [erased | {"requested_at": after, "erasure_id": each} for each in ("t2", "t2", "t3")]
    world.warehouse.append(ERASURES, typed(rows, ERASURE_TYPES))
    cause = pending_trigger(PROBLEM, world.warehouse, as_of=AWAKE)
    assert cause is not None
    assert (cause.trigger, cause.windows_violated) == (ERASED, 1)
    assert cause.reasons == "2 people were erased after it was trained"


def test_drift_of_everybody_is_a_cause_and_drift_of_a_slice_is_not(world: World) -> None:
    drifted(world, AWAKE, slice_name="country")
    assert pending_trigger(PROBLEM, world.warehouse, as_of=AWAKE) is None
    drifted(world, AWAKE)
    cause = pending_trigger(PROBLEM, world.warehouse, as_of=AWAKE)
    assert cause is not None
    assert (cause.trigger, cause.windows_violated) == (DRIFTED, 2)
    assert "orders_365d" in cause.reasons


def test_an_old_champion_is_challenged(world: World) -> None:
    assert (
        pending_trigger(PROBLEM, world.warehouse, as_of=FIRST + OLDEST_CHAMPION - timedelta(weeks=1)) is None
    )
    cause = pending_trigger(PROBLEM, world.warehouse, as_of=FIRST + OLDEST_CHAMPION)
    assert cause is not None
    assert cause.trigger == TOO_OLD
    assert cause.reasons == f"it serves since {FIRST} and was last challenged 56 days ago"


def test_a_champion_that_has_just_won_is_not_challenged_for_its_age(world: World) -> None:
    challenged = FIRST + OLDEST_CHAMPION
    attempt = world.table(RETRAIN_LOG).assign(as_of_date=pd.Timestamp(challenged).date(), decision="refuse")
    world.warehouse.append(RETRAIN_LOG, attempt)
    assert (
        pending_trigger(PROBLEM, world.warehouse, as_of=challenged + OLDEST_CHAMPION - timedelta(weeks=1))
        is None
    )
    cause = pending_trigger(PROBLEM, world.warehouse, as_of=challenged + OLDEST_CHAMPION)
    assert cause is not None
    assert cause.trigger == TOO_OLD


def test_within_the_cool_down_no_cause_is_answered_twice(world: World) -> None:
    failed(world, LATER)
    assert pending_trigger(PROBLEM, world.warehouse, as_of=LATER) is None
    # The attempt of two weeks ago is old enough; one of last week is not.
    failed(world, AWAKE)
    assert pending_trigger(PROBLEM, world.warehouse, as_of=AWAKE) is not None
    attempt = world.table(RETRAIN_LOG).assign(as_of_date=pd.Timestamp(LATER).date(), decision="refuse")
    world.warehouse.append(RETRAIN_LOG, attempt)
    assert pending_trigger(PROBLEM, world.warehouse, as_of=AWAKE) is None


def test_scores_that_were_withheld_are_no_attempt(world: World) -> None:
    failed(world, AWAKE)
    withheld = world.table(RETRAIN_LOG).assign(as_of_date=pd.Timestamp(AWAKE).date(), decision="withhold")
    world.warehouse.append(RETRAIN_LOG, withheld)
    assert pending_trigger(PROBLEM, world.warehouse, as_of=AWAKE) is not None


@pytest.mark.parametrize("weeks", [2, 4])
def test_while_a_fallback_serves_a_model_is_wanted_every_other_week(world: World, weeks: int) -> None:
    with world.warehouse.connect() as connection:
        connection.execute(f"update {PROBLEM.champion.sql} set is_fallback = true")
    cause = pending_trigger(PROBLEM, world.warehouse, as_of=FIRST + timedelta(weeks=weeks))
    assert cause is not None
    assert cause.trigger == NOBODY_SERVES
    assert pending_trigger(PROBLEM, world.warehouse, as_of=LATER) is None
