"""Published rows are held against what happened; a version whose rows did not come true says nothing new."""

import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from assets.keys import CALIBRATION_BINS, METRICS
from assets.lifecycle.realised import REALISED, WINDOW
from checks.models.defs import problem_checks
from tests.assets.judged import results
from tests.assets.world import CUSTOMERS, FIRST, PROBLEM, WEEKS, World, create
from tests.unit.supervised.world import as_of_days, shop

# The window of week 25 has ended by week 31: 25 weeks and 30 days lie before it.
SCORED, LOOKED_BACK = FIRST - timedelta(weeks=2), as_of_days(WEEKS)[-1]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The shop whose first morning was ``SCORED``; read it, but live in a ``world``."""
    world = create(tmp_path_factory.mktemp("published"))
    world.run_date(SCORED)
    return world


@pytest.fixture
def world(published: World, tmp_path: Path) -> World:
    """A copy of ``published`` to go on with."""
    shutil.copytree(published.folder, tmp_path / "copy")
    return World(folder=tmp_path / "copy")


def tampered(world: World, probability: str) -> None:
    with world.warehouse.connect() as connection:
        connection.execute(f"update {PROBLEM.scores.sql} set probability = {probability}")


def standing(world: World) -> "dict[str, object]":
    rows = world.table(PROBLEM.realised)
    return dict(rows.loc[rows["as_of_date"].dt.date == LOOKED_BACK].iloc[0])


def test_what_was_published_is_judged_by_what_happened_day_by_day(world: World) -> None:
    world.run_date(LOOKED_BACK)
    metrics = world.table(METRICS)
    whole = metrics.loc[(metrics["split"] == REALISED) & (metrics["slice_name"] == "all")].set_index("metric")
    assert set(whole["as_of_date"].dt.date) == {SCORED}
    truth = shop(customers=CUSTOMERS, weeks=WEEKS)
    outcome = truth.loc[truth["as_of_date"].dt.date == SCORED, "outcome"]
    assert whole.loc["actual_rate", "value"] == pytest.approx(outcome.mean())
    said = world.scored(SCORED)["probability"].mean()
    assert whole.loc["mean_predicted", "value"] == pytest.approx(said)
    assert whole.loc["mean_predicted", "n"] == CUSTOMERS
    bins = world.table(CALIBRATION_BINS)
    deciles = bins.loc[(bins["split"] == REALISED) & (bins["slice_name"] == "all")]
    assert deciles["n"].sum() == CUSTOMERS


def test_honest_probabilities_come_true_and_scoring_goes_on(world: World) -> None:
    world.run_date(LOOKED_BACK)
    assert standing(world)["n_days"] == 1
    assert standing(world)["faults"] is None
    assert len(world.scored(LOOKED_BACK)) == CUSTOMERS


def test_a_morning_looked_back_on_twice_is_the_same(world: World) -> None:
    world.run_date(LOOKED_BACK)
    before = world.tables()
    world.run_date(LOOKED_BACK)
    for name, rows in world.tables().items():
        assert rows.equals(before[name]), name


@pytest.mark.parametrize(
    ("probability", "why"),
    [
        ("greatest(probability, 1 - probability)", "probability of the predicted class"),
        ("1 - probability", "label is probably swapped"),
        ("probability / 100", "far from the rate"),
    ],
)
def test_a_table_that_holds_something_else_than_the_probability_withholds_the_next(
    world: World, probability: str, why: str
) -> None:
    tampered(world, probability)
    before = world.scored(SCORED)
    serves = world.run_date(LOOKED_BACK)
    assert serves.model_version == before["model_version"].iloc[0]
    assert why in str(standing(world)["faults"])
    assert world.scored(LOOKED_BACK).empty
    decision = world.newest_decision()
    assert (decision["decision"], decision["champion"]) == ("withhold", serves.model_version)
    assert why in str(decision["reasons"])
    assert world.scored(SCORED).equals(before)
    checks = results(problem_checks(PROBLEM), world.warehouse, as_of=LOOKED_BACK, of=[PROBLEM.realised])
    told = checks["realised_calibration_is_within_tolerance"]
    assert not told.passed
    assert "launch retrain" in str(told.metadata["next_step"].value).lower()
    assert "data:image/png;base64," in str(told.metadata["reliability"].value)


def test_a_day_is_not_judged_before_its_window_has_ended(world: World) -> None:
    # Week 25 and 30 days lie after week 29.
    world.run_date(FIRST + timedelta(weeks=2))
    assert np.all(~world.table(METRICS)["split"].isin([REALISED, WINDOW]))
