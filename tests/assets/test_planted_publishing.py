"""Faults in published tables: stopped on the same date, or when matured outcomes show them."""

import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.lifecycle.realised import monitor
from assets.lifecycle.retrain_triggers import SLICE_WITHHELD, pending_trigger
from assets.lifecycle.scoring import score
from assets.supervised.data.dataset import DAILY_ORDERS
from tests.assets.faults import FAULTS, UNDETECTED
from tests.assets.judged import failed, is_detected
from tests.assets.world import LATER, PROBLEM, SPEC, World, checks_of, daily_orders
from tests.unit.supervised.world import as_of_days, shop

# Enough customers of one country for a slice, and enough as-of dates for their outcomes.
CUSTOMERS, WEEKS = 2_000, 36
# Log-odds by which the larger shop orders more than the smaller one.
LEVEL = 0.45
SCORES, TODAY = PROBLEM.scores.sql, f"as_of_date = date '{LATER}'"
# The window of ``LATER`` has ended on the sixth: 30 days are more than four weeks.
DATES = [LATER + timedelta(weeks=week) for week in range(7)]


def execute(world: World, sql: str) -> None:
    with world.warehouse.connect() as connection:
        connection.execute(sql)


def larger() -> pd.DataFrame:
    rows = shop(customers=CUSTOMERS, weeks=WEEKS)
    number = rows["customer_id"].str[1:].astype(int)
    return rows.assign(country=np.where(number % 4 == 0, "France", "United Kingdom"))


@pytest.fixture(scope="module")
def published(promoted: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The shop with more customers after its promotion, scored on ``LATER`` and the next as-of date."""
    folder = tmp_path_factory.mktemp("published") / "world"
    shutil.copytree(promoted.folder, folder)
    world = World(folder=folder)
    world.write(larger())
    world.warehouse.replace(DAILY_ORDERS, daily_orders(as_of_days(WEEKS)))
    # The scores of the smaller shop are not those of these customers.
    execute(world, f"delete from {SCORES}")
    for day in DATES[:2]:
        score(world.run(day))
    # They order more than the smaller shop did, which the level of its forecast cannot know; a total that is
    # off is a fault of its own and would hide the others.
    raised = ", ".join(
        f"{name} = {name} / ({name} + (1 - {name}) * exp(-{LEVEL}))"
        for name in ("probability", "prob_lo", "prob_hi")
    )
    execute(world, f"update {SCORES} set {raised}")
    return world


@pytest.fixture
def grown(published: World, tmp_path: Path) -> World:
    """A copy of ``published`` to go on with."""
    shutil.copytree(published.folder, tmp_path / "grown")
    return World(folder=tmp_path / "grown")


def score_failures(world: World) -> dict[str, str]:
    return failed(checks_of(), world.warehouse, as_of=LATER, of=[PROBLEM.scores])


TAMPERED = {
    "a customer is scored twice": f"insert into {SCORES} select * from {SCORES} where {TODAY} limit 1",
    "a customer is not scored": f"delete from {SCORES} where {TODAY} and customer_id = 'c00007'",
    "the table holds the probability of the predicted class": f"""
        update {SCORES} set
            probability = greatest(probability, 1 - probability),
            prob_hi = greatest(prob_hi, 1 - prob_lo)
        where {TODAY}
    """,
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_false_score_table_is_stopped_on_the_same_date(grown: World, name: str) -> None:
    assert score_failures(grown) == {}
    execute(grown, TAMPERED[name])
    assert is_detected(FAULTS[name], score_failures(grown), as_of_dates=0)


def monitored(world: World, weeks: int) -> dict[str, str]:
    monitor(world.run(DATES[weeks]))
    return failed(checks_of(), world.warehouse, as_of=DATES[weeks], of=[SPEC.realised])


def test_a_wrong_country_is_named_when_its_outcomes_have_matured(grown: World) -> None:
    fault = FAULTS["one country's probabilities are a third of what they should be"]
    french = f"select customer_id from {PROBLEM.features[0].sql} where {TODAY} and country = 'France'"
    execute(
        grown,
        f"update {SCORES} set probability = probability / 3 where {TODAY} and customer_id in ({french})",
    )
    assert monitored(grown, 4) == {}
    score(grown.run(DATES[4]))
    assert failed(checks_of(), grown.warehouse, as_of=DATES[4], of=[PROBLEM.scores]) == {}
    assert monitored(grown, 5) == {}
    # Withheld from this as-of date on, and nobody else is.
    rows = score(grown.run(DATES[5]))
    assert rows is not None
    found = failed(checks_of(), grown.warehouse, as_of=DATES[5], of=[PROBLEM.scores])
    assert is_detected(fault, found, as_of_dates=5)
    is_french = rows["customer_id"].str[1:].astype(int) % 4 == 0
    assert set(rows.loc[is_french, "ineligible_reason"]) == {"withheld_slice: country = other"}
    assert set(rows.loc[is_french, "status"]) == {"withheld_by_gate"}
    assert set(rows.loc[is_french, "quality_grade"]) == {"Do-not-use"}
    assert rows.loc[is_french, "probability"].isna().all()
    assert rows.loc[~is_french, "probability"].notna().all()
    assert set(rows.loc[~is_french, "status"]) == {"ok"}
    trigger = pending_trigger(SPEC, grown.warehouse, as_of=DATES[5])
    assert trigger is not None
    assert (trigger.trigger, trigger.reasons) == (SLICE_WITHHELD, "withheld_slice: country = other")


@pytest.mark.parametrize("one_in", [10, 20, 50])
def test_flipped_outcomes_are_detected_from_one_in_ten_on(grown: World, one_in: int) -> None:
    # True outcomes give a slope of 0.96, one flipped in 50 about 0.9, in 20 0.8, in 10 0.65.
    fault = FAULTS[f"one published outcome in {one_in} is flipped"]
    rows = larger()
    is_flipped = np.random.default_rng(1).random(len(rows)) < 1 / one_in
    is_flipped &= rows["as_of_date"] >= pd.Timestamp(LATER)
    grown.write(rows.assign(outcome=rows["outcome"].mask(is_flipped, 1 - rows["outcome"])))
    detected = [is_detected(fault, monitored(grown, weeks), as_of_dates=weeks) for weeks in (5, 6)]
    assert detected == [False, fault.check != UNDETECTED]


def test_true_scores_pass(grown: World) -> None:
    assert monitored(grown, 5) == {}
    assert score(grown.run(DATES[5])) is not None
